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
  const { serialBytes, paperRepeats, repeats } = session.scale;
  const file = session.randomFile(serialBytes);
  return interleave(
    'serial-random',
    'isa-serial, incompressible; dd and Guestwire to the NULL device, the others to a tmpfs',
    paperRepeats,
    [
      { name: 'Guestwire', run: () => guestwireCopy(bench, port, [file], '/dev/null') },
      ...raw(bench, file, { 14: paperRepeats, 8: repeats }),
      ...peers(session, bench, file),
    ],
  );
}

export async function serialText(session: Session): Promise<CaseResult> {
  const bench = await session.mainGuest();
  const { serialBytes, repeats, fewRepeats } = session.scale;
  const file = session.textFile(serialBytes);
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
    repeats,
    [guestwire, ...raw(bench, file, { 14: repeats, 8: fewRepeats }), ...peers(session, bench, file)],
  );
}

function raw(bench: BenchGuest, file: string, repeats: Record<Trigger, number>): Way[] {
  return triggers.map(trigger => ({
    name: `dd, trigger ${trigger}`,
    repeats: repeats[trigger],
    run: () => rawCopy(bench, port, file, { trigger }),
  }));
}

/** One by one as people use them; each takes twice Guestwire's time and more, so there are fewer repeats. */
function peers(session: Session, bench: BenchGuest, file: string): Way[] {
  const repeats = session.scale.fewRepeats;
  return triggers.flatMap(trigger => [
    { name: `ZMODEM, trigger ${trigger}`, repeats, run: () => zmodemCopy(bench, port, file, trigger) },
    { name: `Kermit, trigger ${trigger}`, repeats, run: () => kermitCopy(bench, port, file, trigger) },
    { name: `base64 paste, trigger ${trigger}`, repeats, run: () => base64Paste(bench, port, file, trigger) },
  ]);
}
