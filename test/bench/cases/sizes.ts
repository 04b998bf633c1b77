import path from 'node:path';
import { ports, workDirectory } from '../guest/benchGuest.ts';
import { interleave } from '../interleave.ts';
import type { CaseResult } from '../sample.ts';
import type { Session } from '../session.ts';
import { formatBytes } from '../units.ts';
import { guestwireCopy } from '../ways/guestwire.ts';

export async function sizes(session: Session): Promise<CaseResult> {
  const bench = await session.mainGuest();
  const ways = session.scale.sizes.map(bytes => ({
    name: formatBytes(bytes),
    run: async () => {
      await bench.clear();
      const destination = path.posix.join(workDirectory, 'file');
      return guestwireCopy(bench, ports.channel, [session.randomFile(bytes)], destination);
    },
  }));
  return interleave('sizes', 'virtio channel; cost against size', session.scale.fewRepeats, ways);
}
