import path from 'node:path';
import { ports, workDirectory } from '../guest/benchGuest.ts';
import { interleave } from '../interleave.ts';
import { bytesPerSecond, type CaseResult, type Row } from '../sample.ts';
import type { Session } from '../session.ts';
import { spread } from '../statistics.ts';
import { agentCopy } from '../ways/guestAgent.ts';
import { guestwireCopy } from '../ways/guestwire.ts';
import { rawCopy } from '../ways/raw.ts';

const port = ports.channel;
const destination = path.posix.join(workDirectory, 'file');

/** A large file, verified: dd can only be verified by reading the file once more. */
export async function channelRandom(session: Session): Promise<CaseResult> {
  const bench = await session.mainGuest();
  const file = session.randomFile(session.scale.channelBytes);
  const raw = (name: string, sink: string, hash = false) => ({
    name,
    run: async () => {
      await bench.clear();
      return rawCopy(bench, port, file, { sink, hash });
    },
  });
  return interleave(
    'channel-random',
    'virtio channel, one large file; incompressible, into a tmpfs',
    session.scale.fewRepeats,
    [
      {
        name: 'Guestwire',
        run: async () => {
          await bench.clear();
          return guestwireCopy(bench, port, [file], destination);
        },
      },
      raw('dd to the NULL device', '/dev/null'),
      raw('dd', destination),
      raw('dd, then sha256sum', destination, true),
    ],
  );
}

/** One JSON token may not be longer than 64 MB, of which base64 leaves 48. */
const CHUNK_MB = [1, 4, 16, 47];

/** The guest agent with several chunk sizes, one after the other; then its best beside Guestwire. */
export async function channelAgent(session: Session): Promise<CaseResult> {
  const bench = await session.mainGuest();
  const file = session.randomFile(session.scale.agentBytes);
  const agent = (chunkMb: number) => ({
    name: `guest agent, ${chunkMb} MB chunks`,
    run: () => agentCopy(bench, file, chunkMb * 1_000_000),
  });
  const chunks = CHUNK_MB.filter(chunkMb => chunkMb * 1_000_000 <= session.scale.agentBytes);
  const trial = await interleave('agent-chunks', 'how much the guest agent takes best', 1, chunks.map(agent));
  const winner = fastest(trial.rows);
  const best = chunks.find((_, index) => trial.rows[index] === winner);
  if (best === undefined) throw new Error('the guest agent took no chunk size');
  return interleave(
    'channel-agent',
    'virtio channel, beside the guest agent; incompressible, its writes of the size that was best for it',
    session.scale.fewRepeats,
    [
      agent(best),
      {
        name: 'Guestwire',
        run: async () => {
          await bench.clear();
          return guestwireCopy(bench, port, [file], destination);
        },
      },
    ],
  );
}

function fastest(rows: Row[]): Row | undefined {
  const rate = ({ samples }: Row): number => spread(samples.map(bytesPerSecond))?.median ?? 0;
  return [...rows].sort((a, b) => rate(b) - rate(a)).find(({ samples }) => samples.length > 0);
}
