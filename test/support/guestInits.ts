// What a guest has beside the test guest's system to run another init than busybox's: systemd or OpenRC, from
// Debian packages, as an archive for `bootGuest`'s `furtherFiles`.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { type CpioEntry, mode, packCpio, readTree } from './cpio.ts';
import { sharedLibraries } from './guestImage.ts';
import { resolvePrograms, unpackGuestPackages } from './guestPackages.ts';
import { cacheRoot } from './paths.ts';

export type InitName = 'systemd' | 'openrc';

/** Shared libraries that their programs are linked with; t64 names are those of Debian 13 and later. */
const libraries: Record<InitName, RegExp> = {
  systemd:
    /^lib(acl1|apparmor1|audit1|blkid1|cap2|cap-ng0|crypt1|cryptsetup12|fdisk1|gcrypt20|gpg-error0|ip4tc2|kmod2|lz4-1|lzma5|mount1|p11-kit0|pam0g|pcre2-8-0|seccomp2|selinux1|ssl3|systemd-shared|systemd0|uuid1|zstd1)(t64)?$/,
  openrc: /^lib(audit1|cap-ng0|einfo1|pam0g|pcre2-8-0|rc1|selinux1)(t64)?$/,
};

/** Of the packages' folders those that the init needs, with `usr/` in front of them too: Debian moves them there. */
const folders = ['bin', 'etc', 'lib/rc', 'lib/systemd', 'lib/x86_64-linux-gnu/systemd', 'sbin'];

/** The archive, built if the cache doesn't hold it. */
export async function ensureInit(name: InitName): Promise<string> {
  const resolved = await resolvePrograms([name], libraries[name]);
  const key = crypto.createHash('sha256').update(fs.readFileSync(import.meta.filename));
  for (const { fileName, hash } of resolved) key.update(`${fileName} ${hash}\n`);
  const directory = path.join(cacheRoot, 'guest');
  const archive = path.join(directory, `${name}-${key.digest('hex').slice(0, 16)}`);
  if (fs.existsSync(archive)) return archive;
  for (const old of fs.readdirSync(directory).filter(file => file.startsWith(`${name}-`)))
    fs.rmSync(path.join(directory, old), { recursive: true });
  const root = fs.mkdtempSync(path.join(directory, `${name}-building-`));
  try {
    await unpackGuestPackages(resolved, root);
    fs.writeFileSync(`${archive}.part`, packCpio(entriesOf(root)));
    fs.renameSync(`${archive}.part`, archive);
  } finally {
    fs.rmSync(root, { recursive: true, force: true });
  }
  return archive;
}

function entriesOf(root: string): CpioEntry[] {
  const names = ['', 'usr/'].flatMap(prefix => folders.map(folder => `${prefix}${folder}`));
  const parents = new Set(
    names.flatMap(name => name.split('/').map((_, index, parts) => parts.slice(0, index).join('/'))),
  );
  return [
    ...[...parents]
      .filter(name => name !== '')
      .sort()
      .map(name => ({ name, mode: mode.directory })),
    ...names
      .filter(name => fs.existsSync(path.join(root, name)))
      .flatMap(name => readTree(path.join(root, name), name)),
    ...sharedLibraries(root),
  ];
}
