/**
 * The structures of a CD's file system: ECMA-119 (ISO 9660), with section numbers, and Microsoft's Joliet
 * Specification for the second set of names. Numbers stand in it little-endian, big-endian, or both one after the other.
 */

export const SECTOR_BYTES = 2048;

/** How names and texts are written: in the primary tree as capital ASCII, in Joliet's as UCS-2. */
export interface Naming {
  /** 1 for the primary descriptor, 2 for a supplementary one (8.4.1, 8.5.1). */
  readonly descriptorType: 1 | 2;
  /** Escape sequences that say which characters follow (8.5.6); Joliet's say UCS-2 level 3. */
  readonly escapes: string;
  readonly fileName: (name: string) => Buffer;
  /** A field of fixed length, filled up with blanks. */
  readonly text: (text: string, bytes: number) => Buffer;
}

export const PRIMARY: Naming = {
  descriptorType: 1,
  escapes: '',
  // Version 1 of the file (7.5.1): without it Windows 9x and some firmware find no file.
  fileName: name => Buffer.from(`${name.toUpperCase()};1`, 'ascii'),
  text: (text, bytes) => Buffer.from(text.toUpperCase().padEnd(bytes), 'ascii'),
};

export const JOLIET: Naming = {
  descriptorType: 2,
  escapes: '%/E',
  fileName: name => ucs2(`${name};1`),
  text: (text, bytes) => {
    const units = Math.floor(bytes / 2);
    return Buffer.concat([ucs2(text.padEnd(units)), Buffer.alloc(bytes - 2 * units)]);
  },
};

function ucs2(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

export interface Extent {
  readonly sector: number;
  readonly bytes: number;
}

/** The two names every directory begins with (6.8.2.2): itself, and its parent. */
const ITSELF = Buffer.from([0]);
const PARENT = Buffer.from([1]);

/** Directory record (9.1). */
function directoryRecord(name: Buffer, { sector, bytes }: Extent, isDirectory: boolean, date: Date): Buffer {
  const padding = name.length % 2 === 0 ? 1 : 0;
  const record = Buffer.alloc(33 + name.length + padding);
  record[0] = record.length;
  bothEndian32(sector).copy(record, 2);
  bothEndian32(bytes).copy(record, 10);
  recordDate(date).copy(record, 18);
  record[25] = isDirectory ? 2 : 0;
  bothEndian16(1).copy(record, 28); // number of the volume in its set
  record[32] = name.length;
  name.copy(record, 33);
  return record;
}

export interface FileEntry extends Extent {
  readonly name: string;
}

/** The root directory, the only one there is. `self.bytes` is whole sectors, as `directoryBytes` gives it. */
export function rootDirectory(naming: Naming, self: Extent, files: readonly FileEntry[], date: Date): Buffer {
  const directory = Buffer.alloc(self.bytes);
  placeRecords(naming, self, files, date, (record, offset) => record.copy(directory, offset));
  return directory;
}

export function directoryBytes(naming: Naming, files: readonly FileEntry[], date: Date): number {
  const end = placeRecords(naming, { sector: 0, bytes: 0 }, files, date, () => undefined);
  return Math.ceil(end / SECTOR_BYTES) * SECTOR_BYTES;
}

/** Records stand in the order of their names (9.3), and none crosses the border of two sectors (6.8.1.1). */
function placeRecords(
  naming: Naming,
  self: Extent,
  files: readonly FileEntry[],
  date: Date,
  place: (record: Buffer, offset: number) => void,
): number {
  const named = files.map(file => ({ file, name: naming.fileName(file.name) }));
  named.sort((a, b) => Buffer.compare(a.name, b.name));
  const records = [
    directoryRecord(ITSELF, self, true, date),
    directoryRecord(PARENT, self, true, date),
    ...named.map(({ file, name }) => directoryRecord(name, file, false, date)),
  ];
  let offset = 0;
  for (const record of records) {
    const left = SECTOR_BYTES - (offset % SECTOR_BYTES);
    if (record.length > left) offset += left;
    place(record, offset);
    offset += record.length;
  }
  return offset;
}

export type Endian = 'little' | 'big';

/** Path table with the root alone (9.4). Both byte orders have one. */
export function pathTable(root: Extent, endian: Endian): Buffer {
  const table = Buffer.alloc(10);
  table[0] = ITSELF.length;
  if (endian === 'little') table.writeUInt32LE(root.sector, 2);
  else table.writeUInt32BE(root.sector, 2);
  const parent = 1; // the root is its own
  if (endian === 'little') table.writeUInt16LE(parent, 6);
  else table.writeUInt16BE(parent, 6);
  return table;
}

export interface VolumeFacts {
  readonly volume: string;
  readonly sectors: number;
  readonly root: Extent;
  readonly pathTable: { readonly bytes: number; readonly little: number; readonly big: number };
  readonly date: Date;
}

/** Primary (8.4) and supplementary (8.5) volume descriptor. */
export function volumeDescriptor(naming: Naming, facts: VolumeFacts): Buffer {
  const descriptor = descriptorOf(naming.descriptorType);
  naming.text('', 32).copy(descriptor, 8); // the system that may use the first 16 sectors: none
  naming.text(facts.volume, 32).copy(descriptor, 40);
  bothEndian32(facts.sectors).copy(descriptor, 80);
  descriptor.write(naming.escapes, 88, 'ascii');
  bothEndian16(1).copy(descriptor, 120); // volumes in the set
  bothEndian16(1).copy(descriptor, 124); // this one's number
  bothEndian16(SECTOR_BYTES).copy(descriptor, 128);
  bothEndian32(facts.pathTable.bytes).copy(descriptor, 132);
  descriptor.writeUInt32LE(facts.pathTable.little, 140);
  descriptor.writeUInt32BE(facts.pathTable.big, 148);
  directoryRecord(ITSELF, facts.root, true, facts.date).copy(descriptor, 156);
  // Volume set, publisher, preparer, application; then the files of copyright, abstract and bibliography: none.
  for (const [offset, bytes] of [
    [190, 128],
    [318, 128],
    [446, 128],
    [574, 128],
    [702, 37],
    [739, 37],
    [776, 37],
  ] as const) {
    naming.text('', bytes).copy(descriptor, offset);
  }
  for (const offset of [813, 830]) volumeDate(facts.date).copy(descriptor, offset); // created, changed
  for (const offset of [847, 864]) NO_DATE.copy(descriptor, offset); // expires, effective from
  descriptor[881] = 1; // version of this structure
  return descriptor;
}

/** Volume descriptor set terminator (8.3). */
export function terminator(): Buffer {
  return descriptorOf(255);
}

function descriptorOf(type: number): Buffer {
  const descriptor = Buffer.alloc(SECTOR_BYTES);
  descriptor[0] = type;
  descriptor.write('CD001', 1, 'ascii');
  descriptor[6] = 1; // version
  return descriptor;
}

/** 8.4.26.1: digits, and the offset from Greenwich, of which ours is none. */
function volumeDate(date: Date): Buffer {
  const digits = date.toISOString().replace(/\D/g, '').slice(0, 16);
  return Buffer.concat([Buffer.from(digits, 'ascii'), Buffer.from([0])]);
}

const NO_DATE = Buffer.concat([Buffer.from('0'.repeat(16), 'ascii'), Buffer.from([0])]);

/** 9.1.5 */
function recordDate(date: Date): Buffer {
  return Buffer.from([
    date.getUTCFullYear() - 1900,
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    0, // offset from Greenwich
  ]);
}

/** 7.3.3 */
function bothEndian32(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(value, 0);
  bytes.writeUInt32BE(value, 4);
  return bytes;
}

/** 7.2.3 */
function bothEndian16(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(value, 0);
  bytes.writeUInt16BE(value, 2);
  return bytes;
}
