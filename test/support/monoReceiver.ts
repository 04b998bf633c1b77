// The engine of receiver.ps1 for a test guest: the program, and of this machine's Mono what it takes to run it.
import fs from 'node:fs';
import path from 'node:path';
import { type CpioEntry, mode } from './cpio.ts';
import { repositoryRoot } from './paths.ts';
import { run } from './processes.ts';

/** From the Debian packages mono-runtime and libmono-posix4.0-cil, at the same place in the guest. */
const monoFiles = [
  'usr/bin/mono-sgen',
  'usr/lib/libMonoPosixHelper.so',
  'usr/lib/libmono-native.so',
  // What libmono-native is linked with, and the guest lacks.
  ...[
    'gssapi_krb5.so.2',
    'krb5.so.3',
    'k5crypto.so.3',
    'com_err.so.2',
    'krb5support.so.0',
    'keyutils.so.1',
  ].map(name => `lib/x86_64-linux-gnu/lib${name}`),
  'etc/mono/config',
  'etc/mono/4.5/machine.config',
  ...['mscorlib', 'System', 'System.Core', 'System.Configuration', 'System.Xml', 'System.Security'].map(
    library,
  ),
  ...['Mono.Security', 'Mono.Posix'].map(library),
];

function library(name: string): string {
  return `usr/lib/mono/4.5/${name}.dll`;
}

const program = 'guestwire-test/engine.exe';

/** What the guest's start script runs in the place of receiver.py. */
export const monoReceiverCommand = `env MONO_PATH=/usr/lib/mono/4.5 mono-sgen /${program}`;

export async function monoReceiverEntries(): Promise<CpioEntry[]> {
  const directories = new Set<string>();
  for (const file of [...monoFiles, program]) addParents(directories, file);
  return [
    ...[...directories].sort().map(name => ({ name, mode: mode.directory })),
    // Following links: in Debian the libraries stand elsewhere.
    ...monoFiles.map(name => ({ name, mode: mode.executable, data: fs.readFileSync(`/${name}`) })),
    { name: program, mode: mode.file, data: fs.readFileSync(await compileEngine()) },
  ];
}

function addParents(directories: Set<string>, file: string): void {
  const parent = path.posix.dirname(file);
  if (parent === '.') return;
  addParents(directories, parent);
  directories.add(parent);
}

async function compileEngine(): Promise<string> {
  const script = 'import windows; print(windows.mono_engine())';
  const cwd = path.join(repositoryRoot, 'test/windows');
  return (await run('python3', ['-B', '-c', script], { cwd, timeoutMs: 120_000 })).trim();
}
