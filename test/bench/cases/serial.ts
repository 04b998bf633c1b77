/** The 16550A: the paper's experiment, and the same with text. */
import path from 'node:path';
import { type BenchGuest, ports, type Trigger, workDirectory } from '../guest/benchGuest.ts';
import { interleave } from '../interleave.ts';
import type { CaseResult, Way } from '../sample.ts';
import type { Session } from '../session.ts';
import { base64Paste } from '../ways/base64Paste.ts';
import { guestwireCopy } from '../ways/guestwire.ts';
import { rawCopy } from '../ways/raw.ts';
import { kermitCopy, zmodemCopy } from '../ways/terminalPeer.ts';

const port = ports.serial;
const triggers: Trigger[] = [8, 14];

export async function serialRandom(session: Session): Promise<CaseResult> {
  const bench = await session.mainGuest();
  const file = session.randomFile(session.scale.serialBytes);
  const guestwire = { name: 'Guestwire', run: () => guestwireCopy(bench, port, [file], '/dev/null') };
  return interleave(
    'serial-random',
    'isa-serial, incompressible; dd and Guestwire to the NULL device, the others to a tmpfs',
    session.scale.paperRepeats,
    [guestwire, ...others(bench, file)],
  );
}

export async function serialText(session: Session): Promise<CaseResult> {
  const bench = await session.mainGuest();
  const file = session.textFile(session.scale.serialBytes);
  const destination = path.posix.join(workDirectory, 'text');
  const guestwire = {
    name: 'Guestwire',
    run: async () => {
      await bench.clear();
      return guestwireCopy(bench, port, [file], destination);
    },
  };
  return interleave(
    'serial-text',
    'isa-serial, source text; dd to the NULL device, the others to a tmpfs',
    session.scale.repeats,
    [guestwire, ...others(bench, file)],
  );
}

function others(bench: BenchGuest, file: string): Way[] {
  const pairs = triggers.flatMap(trigger => [
    { name: `dd, trigger ${trigger}`, run: () => rawCopy(bench, port, file, { trigger }) },
    { name: `ZMODEM, trigger ${trigger}`, run: () => zmodemCopy(bench, port, file, trigger) },
    { name: `Kermit, trigger ${trigger}`, run: () => kermitCopy(bench, port, file, trigger) },
    { name: `base64 paste, trigger ${trigger}`, run: () => base64Paste(bench, port, file, trigger) },
  ]);
  return pairs;
}
