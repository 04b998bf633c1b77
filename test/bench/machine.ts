/** What a reader must know of the machine to place the figures. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Guest } from '../support/guest.ts';
import { repositoryRoot } from '../support/paths.ts';
import { run } from '../support/processes.ts';
import { peerDirectory } from './guest/peerPrograms.ts';
import type { Session } from './session.ts';

export async function describeMachine(session: Session): Promise<Record<string, string>> {
  const { guest } = await session.mainGuest();
  const version = await run('virsh', ['-c', session.uri, 'version']);
  const xml = await run('virsh', ['-c', session.uri, 'dumpxml', guest.name]);
  const [, kind = 'unknown'] = /<domain type='(\w+)'/.exec(xml) ?? [];
  const cpus = os.cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    processors: `${cpus.length} × ${cpus[0]?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(os.totalmem() / 2 ** 30)} GiB`,
    'load when the run began': os
      .loadavg()
      .map(load => load.toFixed(1))
      .join(', '),
    kernel: `${os.type()} ${os.release()}`,
    virtualisation: kind === 'qemu' ? 'QEMU TCG (emulated, no KVM)' : kind.toUpperCase(),
    hypervisor: /Running hypervisor: (.+)/.exec(version)?.[1] ?? 'unknown',
    libvirt: /Using library: libvirt (.+)/.exec(version)?.[1] ?? 'unknown',
    Guestwire: readVersion(),
    Node: process.versions.node,
    'guest kernel': (await guest.mustRun('uname -r')).trim(),
    'guest: other programs': await otherPrograms(guest),
    'guest Python': (await guest.mustRun('python3 --version')).trim().replace('Python ', ''),
  };
}

function readVersion(): string {
  const description = fs.readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8');
  return (JSON.parse(description) as { version: string }).version;
}

/** The first line of what each says of itself. */
async function otherPrograms(guest: Guest): Promise<string> {
  const ask = ['dd', 'rz', 'qemu-ga'].map(name => `${peerDirectory}/${name} --version 2>&1 | head -n 1`);
  const kermit = `${peerDirectory}/kermit -Y -C version,exit </dev/null 2>&1 | grep -m 1 -o 'C-Kermit [0-9.]*'`;
  const said = await guest.mustRun([...ask, kermit].join('; '));
  return said.trim().split('\n').join(', ').replaceAll(`${peerDirectory}/`, '');
}
