/** Opens any kind of source as a file that's read bit by bit. */
import type { SourceFile, SourceSystem, WholeSource } from './sourceSystem.ts';
import { isSameVersion, type SourceVersion, settledVersion } from './sourceVersion.ts';

export async function openSource(system: SourceSystem, source: string): Promise<SourceFile> {
  const opened = await system.open(source);
  return 'readAll' in opened ? openWhole(opened) : opened;
}

/** The content is held in memory until it's closed; what becomes of the source in the meantime is no concern of it. */
async function openWhole(source: WholeSource): Promise<SourceFile> {
  let reading = await readOnce(source);
  let at = 0;
  let wasRead = false;
  return {
    async read(buffer) {
      wasRead = true;
      const piece = reading.content.subarray(at, at + buffer.length);
      buffer.set(piece);
      at += piece.length;
      return piece.length;
    },
    version: async () => (wasRead ? reading.after : reading.before),
    async rewind() {
      reading = await readOnce(source);
      at = 0;
    },
    async close() {},
  };
}

interface Reading {
  readonly content: Uint8Array;
  readonly before: SourceVersion;
  readonly after: SourceVersion;
}

async function readOnce({ look, readAll }: WholeSource): Promise<Reading> {
  const before = await settledVersion(look);
  const content = await readAll();
  const after = await look().catch((error: NodeJS.ErrnoException) => {
    // What was deleted or renamed meanwhile is copied all the same, as an open file is.
    if (error.code === 'ENOENT' && content.length === before.size) return before;
    throw error;
  });
  // Some file systems have a new time, or none, at each look: the same content twice is one version all the same.
  if (!isSameVersion(before, after) && !isSame(content, await readAll())) return { content, before, after };
  // …and some don't know a file's size.
  const version = { ...before, size: content.length };
  return { content, before: version, after: version };
}

function isSame(content: Uint8Array, again: Uint8Array): boolean {
  return Buffer.compare(content, again) === 0;
}
