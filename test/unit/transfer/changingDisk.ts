import fs from 'node:fs';
import { localDisk, type SourceSystem } from '../../../src/transfer/index.ts';

/** What happens to the file at this path. */
export type Change = (file: string) => void;

const NEW = 'new bytes ';

export const changes = {
  /** A second time it's still longer than what is read before a change. */
  truncated: file => fs.truncateSync(file, 0.75 * fs.statSync(file).size),
  overwritten: file => {
    const descriptor = fs.openSync(file, 'r+');
    fs.writeSync(descriptor, Buffer.alloc(fs.fstatSync(descriptor).size, NEW + Math.random()));
    fs.closeSync(descriptor);
  },
  grown: file => fs.appendFileSync(file, 'more'),
  renamed: file => fs.renameSync(file, `${file}.renamed`),
  deleted: file => fs.unlinkSync(file),
} as const satisfies Record<string, Change>;

export interface ChangingDisk {
  readonly system: SourceSystem;
  /** How often the file was opened. */
  readonly opened: number;
}

/** Less than any file of the tests has. */
const CHANGES_AT = 5_000;

/**
 * The local disk, on which one file changes in the middle of being read: each time it's opened and read, the next of the
 * changes happens when so many bytes have been read.
 */
export function changingDisk(
  file: string,
  planned: readonly Change[],
  changesAt: number = CHANGES_AT,
): ChangingDisk {
  const left = [...planned];
  const counts = { opened: 0 };
  const system: SourceSystem = {
    ...localDisk,
    async open(source) {
      const opened = await localDisk.open(source);
      if (source !== file) return opened;
      counts.opened += 1;
      let untilChange = changesAt;
      const read = async (buffer: Buffer) => {
        if (untilChange === 0 || buffer.length < untilChange) {
          untilChange = Math.max(0, untilChange - buffer.length);
          return opened.read(buffer);
        }
        const before = await opened.read(buffer.subarray(0, untilChange));
        left.shift()?.(file);
        const after = await opened.read(buffer.subarray(untilChange));
        untilChange = 0;
        return before + after;
      };
      return { ...opened, read };
    },
  };
  Object.assign(system, { readStart: undefined });
  return {
    system,
    get opened() {
      return counts.opened;
    },
  };
}

/** The same as a file system of VS Code has it: only whole contents, and no other time than the last write's. */
export function changingVirtualDisk(file: string, planned: readonly Change[]): ChangingDisk {
  const left = [...planned];
  const counts = { opened: 0 };
  const stat: SourceSystem['stat'] = async (source, options) => {
    const { type, size, mtimeMs } = await localDisk.stat(source, options);
    return { type, size, mtimeMs, mode: undefined };
  };
  const readAll = async () => {
    const descriptor = fs.openSync(file, 'r');
    const { size } = fs.fstatSync(descriptor);
    const half = Buffer.alloc(size >> 1);
    fs.readSync(descriptor, half);
    left.shift()?.(file);
    const rest = fs.readFileSync(descriptor);
    fs.closeSync(descriptor);
    return Buffer.concat([half, rest]);
  };
  const system: SourceSystem = {
    ...localDisk,
    stat,
    async open() {
      counts.opened += 1;
      return { look: () => stat(file, { followLinks: true }), readAll };
    },
  };
  Object.assign(system, { readStart: undefined });
  return {
    system,
    get opened() {
      return counts.opened;
    },
  };
}
