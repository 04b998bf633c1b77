// Writes the archive format the Linux kernel unpacks as its initramfs ("newc", described in the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst). Writing it here, not with cpio(1), lets an
// ordinary user make device nodes and files of root, and saves a package.
import fs from 'node:fs';
import path from 'node:path';

export interface CpioEntry {
  /** Path in the guest, without the leading slash. */
  name: string;
  /** st_mode: type and permissions. */
  mode: number;
  data?: Buffer;
  /** Major and minor number of a device node. */
  device?: [number, number];
}

export const mode = {
  directory: 0o040755,
  file: 0o100644,
  executable: 0o100755,
  link: 0o120777,
  character: 0o020600,
} as const;

/** One archive, padded to 512 bytes so that another one may follow it. */
export function packCpio(entries: CpioEntry[]): Buffer {
  const parts = entries.map((entry, index) => packEntry(entry, index + 1));
  parts.push(packEntry({ name: 'TRAILER!!!', mode: 0 }, 0));
  const packed = Buffer.concat(parts);
  return Buffer.concat([packed, padding(packed.length, 512)]);
}

function packEntry(entry: CpioEntry, inode: number): Buffer {
  const data = entry.data ?? Buffer.alloc(0);
  const name = Buffer.from(`${entry.name}\0`);
  const [major, minor] = entry.device ?? [0, 0];
  // inode, mode, uid, gid, links, mtime, size, device of the file system (2), device node (2), name size, check
  const fields = [inode, entry.mode, 0, 0, 1, 0, data.length, 0, 0, major, minor, name.length, 0];
  const header = Buffer.from(`070701${fields.map(field => field.toString(16).padStart(8, '0')).join('')}`);
  const head = Buffer.concat([header, name, padding(header.length + name.length, 4)]);
  return Buffer.concat([head, data, padding(data.length, 4)]);
}

function padding(length: number, unit: number): Buffer {
  return Buffer.alloc((unit - (length % unit)) % unit);
}

/** Entries for a folder of the host and everything below it, to stand at `target` in the guest. */
export function readTree(
  source: string,
  target: string,
  accept: (relative: string) => boolean = () => true,
): CpioEntry[] {
  const entries: CpioEntry[] = [];
  for (const relative of ['', ...fs.readdirSync(source, { recursive: true, encoding: 'utf8' }).sort()]) {
    if (relative !== '' && !accept(relative)) continue;
    const file = path.join(source, relative);
    const stat = fs.lstatSync(file);
    const name = path.posix.join(target, relative).replace(/^\/|\/$/g, '');
    if (name === '' || name === '.') continue;
    if (stat.isDirectory()) entries.push({ name, mode: mode.directory });
    else if (stat.isSymbolicLink())
      entries.push({ name, mode: mode.link, data: Buffer.from(fs.readlinkSync(file)) });
    else if (stat.isFile()) entries.push({ name, mode: stat.mode & 0o100777, data: fs.readFileSync(file) });
  }
  return entries;
}
