// What a guest has beside the test guest's system to run another init than busybox's: systemd or OpenRC, from
// Debian packages, as an archive for `bootGuest`'s `furtherFiles`.
import fs from 'node:fs';
import path from 'node:path';
import { type CpioEntry, mode, readTree } from './cpio.ts';
import { ensureGuestArchive } from './guestArchive.ts';
import { sharedLibraries } from './guestImage.ts';

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
export function ensureInit(name: InitName): Promise<string> {
  const source = import.meta.filename;
  return ensureGuestArchive({ name, packages: [name], libraries: libraries[name], source, entriesOf });
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
