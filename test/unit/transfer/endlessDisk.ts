import { localDisk, type SourceSystem } from '../../../src/transfer/index.ts';

const version = { size: 1 << 30, mtimeMs: 1 };

/** FAKE of a disk on which every file is so large that no copy of it comes to its end: all sevens. */
export const endlessDisk: SourceSystem = {
  ...localDisk,
  stat: async () => ({ type: 'file', mode: 0o644, ...version }),
  open: async () => ({
    read: async buffer => buffer.fill(7).length,
    version: async () => version,
    rewind: async () => undefined,
    close: async () => undefined,
  }),
};
