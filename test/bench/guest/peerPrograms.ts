/**
 * What the bench's guest has beside the test guest's system: the other ways' programs, from Debian packages, as an
 * archive of its own, so that the tests' guest stays as small as it is.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { type CpioEntry, mode, packCpio } from '../../support/cpio.ts';
import { sharedLibraries } from '../../support/guestImage.ts';
import { resolvePrograms, unpackGuestPackages } from '../../support/guestPackages.ts';
import { cacheRoot } from '../../support/paths.ts';

const packages = ['lrzsz', 'ckermit', 'qemu-guest-agent', 'coreutils'];

/** What their programs are linked with and the system does not have; t64 names are those of Debian 13 and later. */
const libraries =
  /^lib(ncurses6|tinfo6|pam0g|crypt1|audit1|cap-ng0|glib2\.0-0|numa1|udev1|uring2|mount1|pcre2-8-0|blkid1|selinux1)(t64)?$/;

/** coreutils for dd alone: Debian's static busybox has one that does not tell its time. */
const programs = ['usr/bin/rz', 'usr/bin/kermit', 'usr/sbin/qemu-ga', 'bin/dd'];

/** Where the programs are in the guest. */
export const peerDirectory = '/peers';

/** @returns the archive for `bootGuest`'s `furtherFiles`, built if the cache doesn't hold it. */
export async function ensurePeerPrograms(): Promise<string> {
  const resolved = await resolvePrograms(packages, libraries);
  const key = crypto.createHash('sha256').update(fs.readFileSync(import.meta.filename));
  for (const { fileName, hash } of resolved) key.update(`${fileName} ${hash}\n`);
  const archive = path.join(cacheRoot, `guest/peers-${key.digest('hex').slice(0, 16)}`);
  if (fs.existsSync(archive)) return archive;
  removeArchives();
  const root = fs.mkdtempSync(path.join(cacheRoot, 'guest/peers-building-'));
  try {
    await unpackGuestPackages(resolved, root);
    fs.writeFileSync(`${archive}.part`, packCpio([...programEntries(root), ...sharedLibraries(root)]));
    fs.renameSync(`${archive}.part`, archive);
  } finally {
    fs.rmSync(root, { recursive: true, force: true });
  }
  return archive;
}

/** Of other package versions. */
function removeArchives(): void {
  const directory = path.join(cacheRoot, 'guest');
  for (const name of fs.readdirSync(directory).filter(name => name.startsWith('peers-')))
    fs.rmSync(path.join(directory, name), { recursive: true });
}

function programEntries(root: string): CpioEntry[] {
  const folder = peerDirectory.slice(1);
  const files = programs.map(program => {
    // Debian moves /bin into /usr/bin, some packages sooner than others.
    const file = [program, `usr/${program}`].map(name => path.join(root, name)).find(fs.existsSync);
    if (!file) throw new Error(`the Debian packages ${packages.join(', ')} hold no ${program}`);
    return {
      name: `${folder}/${path.basename(program)}`,
      mode: mode.executable,
      data: fs.readFileSync(file),
    };
  });
  return [{ name: folder, mode: mode.directory }, ...files];
}
