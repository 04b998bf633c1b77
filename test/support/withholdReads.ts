// FAKE of a slow disk, loaded into a process before its program: reads of one file wait at a place in it until another
// file appears. See withheldSource.ts.
import fs from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

export const withholdingVariable = 'GUESTWIRE_TEST_WITHHOLD';

export interface Withholding {
  file: string;
  /** What may be read at once. */
  bytes: number;
  /** The file whose appearance lets the rest be read. */
  gate: string;
}

/** The one way in which a copy reads: on from where it is. */
type Read = (
  this: FileHandle,
  buffer: Buffer,
  offset: number,
  length: number,
  position?: null,
) => Promise<{ bytesRead: number; buffer: Buffer }>;

const POLL_MS = 20;

const settings = process.env[withholdingVariable];
if (settings !== undefined) await withhold(JSON.parse(settings) as Withholding);

async function withhold({ file, bytes, gate }: Withholding): Promise<void> {
  const { ino } = fs.statSync(file);
  const handle = await open(file);
  const prototype = Object.getPrototypeOf(handle) as { read: Read };
  await handle.close();
  const { read } = prototype;
  const positions = new WeakMap<FileHandle, number>();
  prototype.read = async function (buffer, offset, length) {
    if (fs.fstatSync(this.fd).ino !== ino) return read.call(this, buffer, offset, length, null);
    const position = positions.get(this) ?? 0;
    while (position >= bytes && !fs.existsSync(gate)) await delay(POLL_MS);
    const allowed = position < bytes ? Math.min(length, bytes - position) : length;
    const result = await read.call(this, buffer, offset, allowed, null);
    positions.set(this, position + result.bytesRead);
    return result;
  };
}
