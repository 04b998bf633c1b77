import {
  directoryBytes,
  type FileEntry,
  JOLIET,
  type Naming,
  PRIMARY,
  pathTable,
  rootDirectory,
  SECTOR_BYTES,
  terminator,
  volumeDescriptor,
} from './isoStructures.ts';

export interface DiscFile {
  readonly name: string;
  readonly content: Buffer;
}

export interface DiscOptions {
  /** Up to 16 letters, digits and underscores. */
  readonly volume: string;
  /** Of the volume and all its files. The same files, volume and date give the same bytes. */
  readonly date: Date;
}

/** What both trees can say in the same way: level 2 of ISO 9660 has 30 characters besides the dot (7.5.1). */
const FILE_NAME = /^(?=.{1,31}$)[A-Za-z0-9_]+\.[A-Za-z0-9_]+$/;
const VOLUME_NAME = /^[A-Za-z0-9_]{1,16}$/;

/** For the system that boots from it (6.2.1); ours boots nothing. */
const SYSTEM_SECTORS = 16;
const PATH_TABLE_BYTES = 10;

/** Where one of the two trees is. They share the files. */
interface Tree {
  readonly naming: Naming;
  readonly little: number;
  readonly big: number;
  readonly root: { readonly sector: number; readonly bytes: number };
}

/**
 * A CD image with some files in its root: ISO 9660 level 2 with Joliet, which Windows and Linux read with what they
 * have. It's made in memory, because it holds a few small files.
 */
export function makeDisc(files: readonly DiscFile[], { volume, date }: DiscOptions): Buffer {
  check(files, volume);
  const layout = layOut(files, date);
  const image = Buffer.alloc(layout.sectors * SECTOR_BYTES);
  const put = (sector: number, bytes: Buffer) => bytes.copy(image, sector * SECTOR_BYTES);
  layout.trees.forEach(({ naming, little, big, root }, index) => {
    const tables = { bytes: PATH_TABLE_BYTES, little, big };
    const facts = { volume, sectors: layout.sectors, root, pathTable: tables, date };
    put(SYSTEM_SECTORS + index, volumeDescriptor(naming, facts));
    put(little, pathTable(root, 'little'));
    put(big, pathTable(root, 'big'));
    put(root.sector, rootDirectory(naming, root, layout.files, date));
  });
  put(SYSTEM_SECTORS + layout.trees.length, terminator());
  files.forEach((file, index) => {
    put(layout.files[index]?.sector ?? 0, file.content);
  });
  return image;
}

function check(files: readonly DiscFile[], volume: string): void {
  if (!VOLUME_NAME.test(volume)) throw new Error(`"${volume}" can't be the name of a CD`);
  const names = new Set<string>();
  for (const { name } of files) {
    if (!FILE_NAME.test(name)) throw new Error(`"${name}" can't be the name of a file on a CD`);
    if (names.size === names.add(name.toUpperCase()).size) throw new Error(`"${name}" is there twice`);
  }
}

function layOut(files: readonly DiscFile[], date: Date) {
  // Two descriptors and the terminator come first.
  let sector = SYSTEM_SECTORS + 3;
  const take = (bytes: number) => {
    const at = sector;
    sector += Math.ceil(bytes / SECTOR_BYTES);
    return at;
  };
  const unplaced = files.map(({ name, content }) => ({ name, sector: 0, bytes: content.length }));
  const trees = [PRIMARY, JOLIET].map((naming): Tree => {
    const bytes = directoryBytes(naming, unplaced, date);
    const [little, big] = [take(PATH_TABLE_BYTES), take(PATH_TABLE_BYTES)];
    return { naming, little, big, root: { sector: take(bytes), bytes } };
  });
  // An empty file is nowhere.
  const placed = unplaced.map((file): FileEntry => ({ ...file, sector: file.bytes && take(file.bytes) }));
  return { trees, files: placed, sectors: sector };
}
