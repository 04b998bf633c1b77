/**
 * What the guest's processor does during a copy, by thread, beside dd's: for whoever wants to know why a ratio of the
 * benchmark is what it is. By hand: `node_modules/.bin/node test/bench/profile.ts [serial|console|channel]...`
 */
import path from 'node:path';
import { ensureLibvirtd } from '../support/libvirtd.ts';
import { type BenchGuest, type Port, ports, ticksPerSecond, workDirectory } from './guest/benchGuest.ts';
import { print } from './interleave.ts';
import { bytesPerSecond, type Sample } from './sample.ts';
import { fullScale } from './scale.ts';
import { Session } from './session.ts';
import { formatBytes, formatRate } from './units.ts';
import { guestwireCopy } from './ways/guestwire.ts';
import { rawCopy } from './ways/raw.ts';

const MB = 1_000_000;
type Link = keyof typeof ports;

const bytesOf: Record<Link, number> = { serial: 0.5 * MB, console: 16 * MB, channel: 256 * MB };
const destination = path.posix.join(workDirectory, 'file');

/** Seconds of the processor. */
interface Used {
  user: number;
  system: number;
}

/** Of each thread there is, and of the processor as a whole: by /proc/[pid]/stat and /proc/stat, see proc(5). */
async function readUsed(bench: BenchGuest): Promise<Map<string, Used>> {
  const printed = await bench.guest.mustRun('cat /proc/[0-9]*/task/*/stat 2>/dev/null; head -n 1 /proc/stat');
  const used = new Map<string, Used>();
  for (const line of printed.trim().split('\n')) {
    const [, id, name, rest] = /^(\d+) \((.*)\) (.*)$/.exec(line) ?? [];
    const fields = (rest ?? line).split(/\s+/).map(Number);
    const seconds = (index: number): number => (fields[index] ?? 0) / ticksPerSecond;
    if (rest !== undefined) used.set(`${name} ${id}`, { user: seconds(11), system: seconds(12) });
    else {
      used.set('all', { user: seconds(1), system: seconds(3) });
      used.set('interrupts', { user: 0, system: seconds(6) + seconds(7) });
      used.set('idle', { user: 0, system: seconds(4) });
    }
  }
  return used;
}

async function profile(bench: BenchGuest, name: string, copy: () => Promise<Sample>): Promise<void> {
  await bench.clear();
  const before = await readUsed(bench);
  const sample = await copy();
  const after = await readUsed(bench);
  const rate = formatRate(bytesPerSecond(sample));
  print(`\n${name}: ${formatBytes(sample.bytes)} in ${sample.seconds.toFixed(2)} s, ${rate}`);
  for (const [thread, { user, system }] of after) {
    const { user: userBefore, system: systemBefore } = before.get(thread) ?? { user: 0, system: 0 };
    const found = [user - userBefore, system - systemBefore];
    if (Math.max(...found) < LEAST_SECONDS) continue;
    const [inUser, inSystem] = found.map(seconds => seconds.toFixed(2).padStart(7));
    print(`  ${thread.padEnd(32)} user ${inUser} s   system ${inSystem} s`);
  }
}

const LEAST_SECONDS = 0.03;

/** What the receiver cannot do without, a MB each time: how fast the guest's Python is at it. */
async function bounds(bench: BenchGuest): Promise<void> {
  await bench.receiver(false);
  const script = `import hashlib, time, zlib
data, room = bytes(1 << 18), bytearray(1 << 18)
def copy(data): room[:] = data
for name, work in (('SHA-256', hashlib.sha256().update), ('CRC-32', zlib.crc32), ('one copy in memory', copy)):
    end, count = time.perf_counter() + 1, 0
    while time.perf_counter() < end: work(data); count += 1
    print('  %-20s %.0f MB/s' % (name, count * len(data) / 1e6))
`;
  print('\nin the guest, alone:');
  print((await bench.guest.mustRun(`python3 - <<'END'\n${script}END`)).trimEnd());
}

async function profileLink(session: Session, bench: BenchGuest, link: Link): Promise<void> {
  const port: Port = ports[link];
  const file = session.randomFile(bytesOf[link]);
  const sink = link === 'channel' ? destination : '/dev/null';
  const ways: [string, () => Promise<Sample>][] =
    link === 'serial'
      ? ([8, 14] as const).map(trigger => [
          `dd, trigger ${trigger}`,
          () => rawCopy(bench, port, file, { trigger }),
        ])
      : [['dd', () => rawCopy(bench, port, file, { sink })]];
  for (const [name, copy] of ways) await profile(bench, `${link}: ${name}`, copy);
  // Started outside of what is counted.
  await bench.receiver(true);
  await profile(bench, `${link}: Guestwire`, () => guestwireCopy(bench, port, [file], sink));
}

function readLinks(names: string[]): Link[] {
  const all = Object.keys(ports) as Link[];
  const unknown = names.find(name => !(name in ports));
  if (unknown !== undefined) throw new Error(`There is no link "${unknown}"; there are ${all.join(', ')}.`);
  return names.length > 0 ? all.filter(name => names.includes(name)) : all;
}

const links = readLinks(process.argv.slice(2));
const libvirtd = await ensureLibvirtd();
const session = new Session(libvirtd.uri, { ...fullScale, channelBytes: bytesOf.channel, sizes: [] });
try {
  const bench = await session.mainGuest();
  for (const link of links) await profileLink(session, bench, link);
  await bounds(bench);
} finally {
  await session.close();
  await libvirtd.stop();
}
