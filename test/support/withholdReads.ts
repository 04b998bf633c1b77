// FAKE of a slow disk, loaded into a process before its program: of one file no more is read than another file allows.
// See withheldSource.ts.
import fs from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

export const withholdingVariable = 'GUESTWIRE_TEST_WITHHOLD';

export interface Withholding {
  file: string;
  /** Holds the number of bytes that may be read. */
  allowance: string;
}

/** The one way in which a copy reads: from where it says, or on from where it is. */
type Read = (
  this: FileHandle,
  buffer: Buffer,
  offset: number,
  length: number,
  position?: number | null,
) => Promise<{ bytesRead: number; buffer: Buffer }>;

const POLL_MS = 20;

const settings = process.env[withholdingVariable];
if (settings !== undefined) await withhold(JSON.parse(settings) as Withholding);

async function withhold({ file, allowance }: Withholding): Promise<void> {
  const { ino } = fs.statSync(file);
  const handle = await open(file);
  const prototype = Object.getPrototypeOf(handle) as { read: Read };
  await handle.close();
  const { read } = prototype;
  const positions = new WeakMap<FileHandle, number>();
  const allowed = () => Number(fs.readFileSync(allowance, 'utf8'));
  prototype.read = async function (buffer, offset, length, from) {
    if (fs.fstatSync(this.fd).ino !== ino) return read.call(this, buffer, offset, length, from);
    const position = from ?? positions.get(this) ?? 0;
    while (position >= allowed()) await delay(POLL_MS);
    const result = await read.call(this, buffer, offset, Math.min(length, allowed() - position), from);
    positions.set(this, position + result.bytesRead);
    return result;
  };
}
