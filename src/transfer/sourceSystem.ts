/** Where source files come from: the local disk here, any VS Code file system through the UI's own implementation. */
import {
  type BigIntStats,
  close as closeFile,
  constants,
  fstat,
  open as openFile,
  read as readFile,
} from 'node:fs';
import { lstat, open, opendir, readlink, stat } from 'node:fs/promises';
import path from 'node:path';
import type { SourceVersion } from './sourceVersion.ts';

export type SourceType = 'file' | 'directory' | 'symlink' | 'special';

export interface SourceInfo extends SourceVersion {
  type: SourceType;
  /** Permission bits; undefined where the source system has none (Windows hosts, virtual file systems). */
  mode: number | undefined;
}

export interface SourceFile {
  /** Fills the buffer from the current position as far as it can; 0 at the end. */
  read(buffer: Buffer): Promise<number>;
  /** What it is now, whatever has its name by now. */
  version(): Promise<SourceVersion>;
  /** `read` begins at the beginning again. */
  rewind(): Promise<void>;
  close(): Promise<void>;
}

/** A source that can only be read as a whole and looked at by its name, as VS Code's file systems have it. */
export interface WholeSource {
  look(): Promise<SourceVersion>;
  readAll(): Promise<Uint8Array>;
}

/** A file's first bytes, and what the file was after they were read. */
export interface SourceStart {
  readonly bytes: Buffer;
  readonly version: SourceVersion;
}

export interface SourceSystem {
  /** @throws an error whose `code` is a Node one (ENOENT, EACCES…). */
  stat(file: string, options: { followLinks: boolean }): Promise<SourceInfo>;
  list(directory: string): AsyncIterable<string>;
  readLink(file: string): Promise<string>;
  open(file: string): Promise<SourceFile | WholeSource>;
  /** The first bytes of a file, in as few calls as it takes; where it is missing, `open` has to do. */
  readStart?(file: string, bytes: number): Promise<SourceStart>;
  join(directory: string, name: string): string;
  baseName(file: string): string;
}

// Non-blocking: what was a file when it was looked at may be a FIFO by now, and opening that would hang.
const READ_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

interface LocalDisk extends SourceSystem {
  open(file: string): Promise<SourceFile>;
}

export const localDisk: LocalDisk = {
  async stat(file, { followLinks }) {
    const info = await (followLinks ? stat(file, { bigint: true }) : lstat(file, { bigint: true }));
    const type = info.isFile()
      ? 'file'
      : info.isDirectory()
        ? 'directory'
        : info.isSymbolicLink()
          ? 'symlink'
          : 'special';
    const mode = process.platform === 'win32' ? undefined : Number(info.mode) & 0o7777;
    return { type, ...versionOf(info), mode };
  },
  async *list(directory) {
    for await (const entry of await opendir(directory)) yield entry.name;
  },
  readLink: file => readlink(file),
  async open(file) {
    const handle = await open(file, READ_FLAGS);
    let at = 0;
    return {
      async read(buffer) {
        let filled = 0;
        while (filled < buffer.length) {
          const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, at);
          if (bytesRead === 0) break;
          filled += bytesRead;
          at += bytesRead;
        }
        return filled;
      },
      version: async () => versionOf(await handle.stat({ bigint: true })),
      async rewind() {
        at = 0;
      },
      close: () => handle.close(),
    };
  },
  readStart,
  join: (directory, name) => path.join(directory, name),
  baseName: file => path.basename(path.resolve(file)),
};

function versionOf({ size, mtimeMs, mtimeNs, ctimeNs, ino }: BigIntStats): SourceVersion {
  return { size: Number(size), mtimeMs: Number(mtimeMs), mtimeNs, ctimeNs, inode: ino };
}

/** By callbacks: for thousands of small files a FileHandle and its promises would cost more than the reading. */
function readStart(file: string, bytes: number): Promise<SourceStart> {
  return new Promise((resolve, reject) => {
    openFile(file, READ_FLAGS, (openError, descriptor) => {
      if (openError) return reject(openError);
      const fail = (error: Error) => closeFile(descriptor, () => reject(error));
      readFile(descriptor, Buffer.allocUnsafe(bytes), 0, bytes, null, (readError, filled, buffer) => {
        if (readError) return fail(readError);
        fstat(descriptor, { bigint: true }, (statError, info) => {
          if (statError) return fail(statError);
          const start = { bytes: buffer.subarray(0, filled), version: versionOf(info) };
          closeFile(descriptor, () => resolve(start));
        });
      });
    });
  });
}
