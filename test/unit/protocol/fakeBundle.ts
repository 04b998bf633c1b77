// A bundle's stream as the fake receiver reads it: the records of PROTOCOL.md §6, broken rules thrown as errors.
import assert from 'node:assert/strict';

export interface FakeRecord {
  name: string;
  mode: number;
  size: number;
  mtime: bigint;
  content: Buffer;
}

export function readRecords(stream: Buffer, withContents: boolean): FakeRecord[] {
  const records: FakeRecord[] = [];
  for (let at = 0; at < stream.length; ) {
    const nameBytes = stream.readUInt16BE(at);
    const size = stream.readUInt32BE(at + 4);
    const start = at + 16 + nameBytes;
    const end = withContents ? start + size : start;
    assert.ok(nameBytes > 0 && end <= stream.length, 'a record that is cut off');
    records.push({
      name: stream.toString('utf8', at + 16, start),
      mode: stream.readUInt16BE(at + 2),
      size,
      mtime: stream.readBigUInt64BE(at + 8),
      content: Buffer.from(stream.subarray(start, end)),
    });
    at = end;
  }
  return records;
}

/** A `mtime` as a put has it. */
export function timeText(mtime: bigint): string {
  return `${mtime / 1_000_000_000n}.${String(mtime % 1_000_000_000n).padStart(9, '0')}`;
}
