/** One file to several guests at once. */
import fs from 'node:fs';
import { type BenchGuest, ports, workDirectory } from '../guest/benchGuest.ts';
import { interleave } from '../interleave.ts';
import type { CaseResult, Sample } from '../sample.ts';
import type { Session } from '../session.ts';
import { runComDd } from '../ways/guestwire.ts';

const GUEST_MB = 384;

export async function fanOut(session: Session): Promise<CaseResult> {
  const { guests: counts, fanOutBytes, fewRepeats } = session.scale;
  const file = session.randomFile(fanOutBytes);
  const guests: BenchGuest[] = [];
  try {
    while (guests.length < Math.max(...counts)) guests.push(await session.boot({ memoryMb: GUEST_MB }));
    const ways = counts.flatMap(count => waysFor(guests.slice(0, count), file));
    return await interleave(
      'fan-out',
      'virtio channel, guests at once; the same file to all of them, rate of all together',
      fewRepeats,
      ways,
    );
  } finally {
    for (const guest of guests) await session.release(guest);
  }
}

/** Several com-dd, and one com-dd with `--also`. */
function waysFor(guests: BenchGuest[], file: string) {
  const name = `${guests.length} ${guests.length === 1 ? 'guest' : 'guests'}`;
  const separate = { name: `${name}, a com-dd each`, run: () => measured(guests, () => each(guests, file)) };
  if (guests.length === 1) return [separate];
  return [separate, { name: `${name}, one com-dd`, run: () => measured(guests, () => all(guests, file)) }];
}

async function measured(guests: BenchGuest[], copy: () => Promise<Sample>): Promise<Sample> {
  for (const guest of guests) await guest.clear();
  const busy = async (): Promise<number> => {
    const seconds = await Promise.all(guests.map(guest => guest.cpuSeconds()));
    return seconds.reduce((sum, value) => sum + value, 0);
  };
  const before = await busy();
  const sample = await copy();
  return { ...sample, guestCpuSeconds: (await busy()) - before };
}

async function each(guests: BenchGuest[], file: string): Promise<Sample> {
  const samples = await Promise.all(
    guests.map(({ guest }) => runComDd(options(guest.uri), [guest.name, file, `${workDirectory}/`])),
  );
  const sum = (value: (sample: Omit<Sample, 'bytes'>) => number | undefined): number =>
    samples.reduce((total, sample) => total + (value(sample) ?? 0), 0);
  const commandSeconds = Math.max(...samples.map(sample => sample.commandSeconds ?? 0));
  return {
    bytes: fs.statSync(file).size * guests.length,
    // They begin at different times, so only the whole can be compared.
    seconds: commandSeconds,
    commandSeconds,
    wireBytes: sum(sample => sample.wireBytes),
    hostCpuSeconds: sum(sample => sample.hostCpuSeconds),
    hostRssBytes: sum(sample => sample.hostRssBytes),
    hostProcesses: samples.length,
  };
}

async function all(guests: BenchGuest[], file: string): Promise<Sample> {
  const [first, ...others] = guests.map(({ guest }) => guest);
  if (!first) throw new Error('there is no guest to copy to');
  const also = others.flatMap(guest => ['--also', guest.name]);
  const sample = await runComDd([...options(first.uri), ...also], [first.name, file, `${workDirectory}/`]);
  const bytes = fs.statSync(file).size * guests.length;
  return { ...sample, bytes, seconds: sample.commandSeconds ?? sample.seconds };
}

function options(uri: string): string[] {
  return ['--connect', uri, '--link', ports.channel.alias];
}
