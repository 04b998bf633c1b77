/** Whether deciding by itself costs com-dd anything: `--compress auto` against `off`, pair by pair. */
import path from 'node:path';
import { type BenchGuest, type Port, ports, workDirectory } from '../guest/benchGuest.ts';
import { interleaveGroups } from '../interleave.ts';
import type { CaseResult, Way } from '../sample.ts';
import type { Session } from '../session.ts';
import { guestwireCopy } from '../ways/guestwire.ts';

/** By the names the table has. */
export const compressionLinks = ['isa-serial', 'virtio console', 'virtio channel'] as const;
export const compressionKinds = ['incompressible', 'source text', 'archive'] as const;

const portOf: Record<(typeof compressionLinks)[number], Port> = {
  'isa-serial': ports.serial,
  'virtio console': ports.console,
  'virtio channel': ports.channel,
};

export async function compression(session: Session): Promise<CaseResult> {
  const bench = await session.mainGuest();
  const groups = compressionLinks.flatMap(link =>
    compressionKinds.map(kind =>
      pair(
        bench,
        `${link}, ${kind}`,
        portOf[link],
        makeFile(session, kind, session.scale.compressionBytes[link]),
      ),
    ),
  );
  return interleaveGroups(
    'compression',
    'Compression that com-dd decides on against none; into a tmpfs',
    session.scale.repeats,
    groups,
  );
}

function pair(bench: BenchGuest, name: string, port: Port, file: string): Way[] {
  return ['auto', 'off'].map(mode => ({
    name: `${name}, ${mode}`,
    run: async () => {
      await bench.clear();
      const destination = path.posix.join(workDirectory, 'file');
      return guestwireCopy(bench, port, [file], destination, { further: ['--compress', mode] });
    },
  }));
}

function makeFile(session: Session, kind: (typeof compressionKinds)[number], bytes: number): string {
  if (kind === 'source text') return session.textFile(bytes);
  return kind === 'archive' ? session.archiveFile(bytes) : session.randomFile(bytes);
}
