// Programs that some guests have beside the test guest's system, from Debian packages: an archive for `bootGuest`'s
// `furtherFiles`, built once for a given set of inputs and kept in the cache.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { type CpioEntry, packCpio } from './cpio.ts';
import { resolvePrograms, unpackGuestPackages } from './guestPackages.ts';
import { cacheRoot } from './paths.ts';

export interface GuestArchive {
  /** Of the file in the cache. */
  readonly name: string;
  readonly packages: string[];
  /** Those of the libraries they depend on that are needed. */
  readonly libraries: RegExp;
  /** The file that describes it: the archive is built anew when it changes. */
  readonly source: string;
  /** What of the unpacked packages it holds. */
  readonly entriesOf: (root: string) => CpioEntry[];
}

/** The archive's path, built if the cache doesn't hold it. */
export async function ensureGuestArchive(wanted: GuestArchive): Promise<string> {
  const { name, packages, libraries, source, entriesOf } = wanted;
  const resolved = await resolvePrograms(packages, libraries);
  const key = crypto.createHash('sha256').update(fs.readFileSync(source));
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
