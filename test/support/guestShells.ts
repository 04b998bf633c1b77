// Shells and a getty as people have them on their serial ports; busybox has another of each.
import fs from 'node:fs';
import path from 'node:path';
import { type CpioEntry, mode, readTree } from './cpio.ts';
import { ensureGuestArchive } from './guestArchive.ts';
import { sharedLibraries } from './guestImage.ts';

const programs = ['bash', 'dash', 'zsh', 'agetty'];
const terminals = ['v/vt220', 'x/xterm'];
const zshModules = 'usr/lib/x86_64-linux-gnu/zsh';

/** /bin/bash, /bin/dash, /bin/zsh and /bin/agetty, and in /lib/terminfo the terminals vt220 and xterm. */
export function ensureShells(): Promise<string> {
  return ensureGuestArchive({
    name: 'shells',
    packages: ['bash', 'dash', 'zsh', 'util-linux', 'ncurses-base'],
    libraries: /^lib(cap2|tinfo6)(t64)?$/,
    source: import.meta.filename,
    entriesOf,
  });
}

function entriesOf(root: string): CpioEntry[] {
  const terminfo = ['lib', 'usr/lib', 'usr/share']
    .map(directory => path.join(root, directory, 'terminfo'))
    .find(directory => fs.existsSync(directory));
  if (!terminfo) throw new Error('the Debian package ncurses-base holds no terminfo');
  const terminfoFolders = ['lib/terminfo', ...terminals.map(name => `lib/terminfo/${path.dirname(name)}`)];
  const folders = [
    'bin',
    ...terminfoFolders,
    ...zshModules.split('/').map((_, index, all) => all.slice(0, index + 1).join('/')),
  ];
  return [
    ...folders.map(name => ({ name, mode: mode.directory })),
    ...programs.map(name => ({
      name: `bin/${name}`,
      mode: mode.executable,
      data: fs.readFileSync(programFile(root, name)),
    })),
    ...terminals.map(name => ({
      name: `lib/terminfo/${name}`,
      mode: mode.file,
      data: fs.readFileSync(path.join(terminfo, name)),
    })),
    ...readTree(path.join(root, zshModules), zshModules),
    ...sharedLibraries(root),
  ];
}

function programFile(root: string, name: string): string {
  const file = ['bin', 'sbin', 'usr/bin', 'usr/sbin']
    .map(directory => path.join(root, directory, name))
    .find(one => fs.existsSync(one));
  if (!file) throw new Error(`the Debian packages hold no ${name}`);
  return fs.realpathSync(file);
}
