import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type DiscFile, makeDisc } from './isoImage.ts';

/** Of the CD; also what a person sees in the guest. */
const VOLUME = 'GUESTWIRE';
/** The same for every image, so that the same files give the same image. */
const DATE = new Date('2026-01-01T00:00:00Z');

/** What is put on the CD, by its name there, from the folder with the receivers. */
const FILES: Readonly<Record<string, string>> = {
  'README.txt': 'disc.txt',
  'install.cmd': 'install.cmd',
  'install.ps1': 'install.ps1',
  'install.sh': 'install.sh',
  'receiver.ps1': 'receiver.ps1',
  'receiver.py': 'receiver.py',
  'receiver.sh': 'receiver.sh',
  'uninstall.cmd': 'uninstall.cmd',
};
/** Receivers that may not be there, each with what is of no use without it. */
const NEEDED_BY: Readonly<Record<string, string>> = {
  'install.cmd': 'receiver.ps1',
  'install.ps1': 'receiver.ps1',
  'uninstall.cmd': 'receiver.ps1',
};
const OPTIONAL = ['receiver.ps1', 'receiver.sh'];

/** The CD with every receiver the folder has, and their installers. */
export async function makeInstallerDisc(folder: string): Promise<Buffer> {
  const read = await Promise.all(Object.keys(FILES).map(name => readDiscFile(folder, name)));
  const there = read.filter(file => file !== undefined);
  const names = new Set(there.map(({ name }) => name));
  const useful = there.filter(({ name }) => names.has(NEEDED_BY[name] ?? name));
  return makeDisc(useful, { volume: VOLUME, date: DATE });
}

async function readDiscFile(folder: string, name: string): Promise<DiscFile | undefined> {
  try {
    return { name, content: await readFile(path.join(folder, FILES[name] ?? name)) };
  } catch (error) {
    if (OPTIONAL.includes(name)) return undefined;
    throw error;
  }
}
