/** Where source files come from: the local disk here, any VS Code file system through the UI's own implementation. */
import { close as closeFile, constants, open as openFile, read as readFile } from 'node:fs';
import { lstat, open, opendir, readlink, stat } from 'node:fs/promises';
import path from 'node:path';

export type SourceType = 'file' | 'directory' | 'symlink' | 'special';

export interface SourceInfo {
  type: SourceType;
  /** Bytes. */
  size: number;
  mtimeMs: number;
  /** The same to the nanosecond, where the source system knows it. */
  mtimeNs?: bigint;
  /** Permission bits; undefined where the source system has none (Windows hosts, virtual file systems). */
  mode: number | undefined;
}

export interface SourceFile {
  /** Fills the buffer from the current position as far as it can; 0 at the end. */
  read(buffer: Buffer): Promise<number>;
  close(): Promise<void>;
}

export interface SourceSystem {
  /** @throws an error whose `code` is a Node one (ENOENT, EACCES…). */
  stat(file: string, options: { followLinks: boolean }): Promise<SourceInfo>;
  list(directory: string): AsyncIterable<string>;
  readLink(file: string): Promise<string>;
  open(file: string): Promise<SourceFile>;
  /** The first bytes of a file, in as few calls as it takes; where it is missing, `open` has to do. */
  readStart?(file: string, bytes: number): Promise<Buffer>;
  join(directory: string, name: string): string;
  baseName(file: string): string;
}

// Non-blocking: what was a file when it was looked at may be a FIFO by now, and opening that would hang.
const READ_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

export const localDisk: SourceSystem = {
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
    return { type, size: Number(info.size), mtimeMs: Number(info.mtimeMs), mtimeNs: info.mtimeNs, mode };
  },
  async *list(directory) {
    for await (const entry of await opendir(directory)) yield entry.name;
  },
  readLink: file => readlink(file),
  async open(file) {
    const handle = await open(file, READ_FLAGS);
    return {
      async read(buffer) {
        let filled = 0;
        while (filled < buffer.length) {
          const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
        return filled;
      },
      close: () => handle.close(),
    };
  },
  readStart,
  join: (directory, name) => path.join(directory, name),
  baseName: file => path.basename(path.resolve(file)),
};

/** By callbacks: for thousands of small files a FileHandle and its promises would cost more than the reading. */
function readStart(file: string, bytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    openFile(file, READ_FLAGS, (openError, descriptor) => {
      if (openError) return reject(openError);
      readFile(descriptor, Buffer.allocUnsafe(bytes), 0, bytes, null, (readError, filled, buffer) => {
        closeFile(descriptor, () => (readError ? reject(readError) : resolve(buffer.subarray(0, filled))));
      });
    });
  });
}
