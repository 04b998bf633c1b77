import { ports } from '../guest/benchGuest.ts';
import { interleave } from '../interleave.ts';
import type { CaseResult } from '../sample.ts';
import type { Session } from '../session.ts';
import { base64Paste } from '../ways/base64Paste.ts';
import { guestwireCopy } from '../ways/guestwire.ts';
import { rawCopy } from '../ways/raw.ts';
import { kermitCopy, zmodemCopy } from '../ways/terminalPeer.ts';

export async function consoleRandom(session: Session): Promise<CaseResult> {
  const bench = await session.mainGuest();
  const { consoleBytes, repeats, fewRepeats } = session.scale;
  const file = session.randomFile(consoleBytes);
  const port = ports.console;
  return interleave(
    'console-random',
    'virtio console, incompressible; dd and Guestwire to the NULL device, the others to a tmpfs',
    repeats,
    [
      { name: 'Guestwire', run: () => guestwireCopy(bench, port, [file], '/dev/null') },
      { name: 'dd', run: () => rawCopy(bench, port, file) },
      { name: 'ZMODEM', repeats: fewRepeats, run: () => zmodemCopy(bench, port, file) },
      { name: 'Kermit', repeats: fewRepeats, run: () => kermitCopy(bench, port, file) },
      { name: 'base64 paste', repeats: fewRepeats, run: () => base64Paste(bench, port, file) },
    ],
  );
}
