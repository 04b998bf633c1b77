/** Tiny domains of one test file: SeaBIOS or the echo guest, named so that nothing else is ever touched. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Domain, type LibvirtConnection, LibvirtError } from 'libvirt';
import { echoGuestFloppy } from './echoGuest.ts';

const prefix = 'guestwire-test-libvirt-';

export interface ThrowawayDomains {
  /** Defined and shut off. `label` keeps the domains of one file apart. */
  define(label: string): Promise<Domain>;
  /** The same, started. */
  start(label: string): Promise<Domain>;
  /** `via` another connection if the first is lost. */
  remove(via?: LibvirtConnection): Promise<void>;
}

/** `file` keeps test files that run at the same time apart. What an earlier run of it left is removed first. */
export async function throwawayDomains(
  connection: LibvirtConnection,
  file: string,
): Promise<ThrowawayDomains> {
  const ours = `${prefix}${file}-`;
  await removeAll(connection, ours);
  // Readable for the user QEMU runs as, and outside a home or checkout that is closed to it.
  const folder = mkdtempSync(join(tmpdir(), ours));
  const floppy = join(folder, 'floppy.img');
  writeFileSync(floppy, echoGuestFloppy());
  chmodSync(folder, 0o755);
  chmodSync(floppy, 0o666);
  const define = (label: string) => connection.defineDomainXml(describe(`${ours}${label}`, floppy));
  return {
    define,
    start: async label => connection.startDomain(await define(label)),
    remove: async (via = connection) => {
      await removeAll(via, ours);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function removeAll(connection: LibvirtConnection, ours: string): Promise<void> {
  for (const domain of await connection.listDomains()) {
    if (!domain.name.startsWith(ours)) continue;
    if (domain.state !== 'shutoff') await connection.destroyDomain(domain).catch(ignoreStopped);
    await connection.undefineDomain(domain);
  }
}

/** A daemon just started may still be getting hold of its guests, and then finds this one ended by us. */
function ignoreStopped(error: unknown): void {
  if (!(error instanceof LibvirtError) || error.code !== 'operation-invalid') throw error;
}

function describe(name: string, floppy: string): string {
  return `<domain type="qemu">
  <name>${name}</name>
  <title>Übungsgast</title>
  <memory unit="MiB">32</memory>
  <os><type arch="x86_64" machine="pc">hvm</type><boot dev="fd"/></os>
  <devices>
    <disk type="file" device="floppy">
      <driver name="qemu" type="raw"/>
      <source file="${floppy}"/>
      <target dev="fda"/>
      <readonly/>
    </disk>
    <controller type="usb" model="none"/>
    <memballoon model="none"/>
    <serial type="pty"/>
    <serial type="pty"/>
    <channel type="unix"><target type="virtio" name="org.guestwire.0"/></channel>
  </devices>
</domain>`;
}
