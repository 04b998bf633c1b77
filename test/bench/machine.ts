/** What a reader must know of the machine to place the figures. */
import os from 'node:os';
import { run } from '../support/processes.ts';
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
    Node: process.versions.node,
    'guest kernel': (await guest.mustRun('uname -r')).trim(),
    'guest Python': (await guest.mustRun('python3 --version')).trim().replace('Python ', ''),
  };
}
