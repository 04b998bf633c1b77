export interface DomainDescription {
  name: string;
  memoryMb: number;
  processors: number;
  kernel: string;
  initramfs: string;
  /** UNIX socket of the tests' own channel. */
  testSocket: string;
  /** Devices beside those every test guest has, as XML. */
  furtherDevices?: string;
  /** A file that QEMU writes what the guest sends on serial1 to. */
  serial1Log?: string | undefined;
  /** Virtio ports that, like the tests' own channel, libvirt knows nothing of. */
  furtherPorts?: { name: string; socket: string }[];
}

const TEST_PORT = 30;

/**
 * The test guest as libvirt knows it: two 16550A ports, a virtio console and Guestwire's channel, by their aliases
 * `serial0`, `serial1`, `console1` and `channel0`.
 *
 * The tests' own channel is given to QEMU behind libvirt's back, so that the domain shows the links a user's
 * domain would show and nothing of the tests.
 */
export function describeDomain(domain: DomainDescription): string {
  const { name, memoryMb, processors, kernel, initramfs, testSocket } = domain;
  const hiddenPorts = [{ name: 'org.guestwire.test', socket: testSocket }, ...(domain.furtherPorts ?? [])];
  return `<domain type="qemu" xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0">
  <name>${escapeXml(name)}</name>
  <title>Guestwire test guest</title>
  <memory unit="MiB">${memoryMb}</memory>
  <vcpu>${processors}</vcpu>
  <os>
    <type arch="x86_64" machine="pc">hvm</type>
    <kernel>${escapeXml(kernel)}</kernel>
    <initrd>${escapeXml(initramfs)}</initrd>
    <cmdline>console=ttyS0 quiet mitigations=off random.trust_bootloader=on rdinit=/init</cmdline>
  </os>
  <features><acpi/></features>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <controller type="usb" model="none"/>
    <controller type="virtio-serial" index="0"/>
    <memballoon model="none"/>
    <serial type="pty"><target type="isa-serial" port="0"/></serial>
    <serial type="pty"><target type="isa-serial" port="1"/></serial>
    <console type="pty"><target type="serial" port="0"/></console>
    <console type="pty"><target type="virtio" port="1"/></console>
    <channel type="unix"><target type="virtio" name="org.guestwire.0"/></channel>
    ${domain.furtherDevices ?? ''}
  </devices>
  <qemu:commandline>
${hiddenPorts.map(({ name, socket }, index) => hiddenPort(name, socket, TEST_PORT - index)).join('')}${recording(domain.serial1Log)}  </qemu:commandline>
</domain>
`;
}

function hiddenPort(name: string, socket: string, nr: number): string {
  const chardev = `hidden${nr}`;
  // In JSON, as libvirt gives its own: QEMU makes those devices last, after the bus this one sits on.
  const device = JSON.stringify({ driver: 'virtserialport', bus: 'virtio-serial0.0', nr, chardev, name });
  return `    <qemu:arg value="-chardev"/>
    <qemu:arg value="socket,id=${chardev},path=${escapeXml(socket)},server=on,wait=off"/>
    <qemu:arg value="-device"/>
    <qemu:arg value="${escapeXml(device)}"/>
`;
}

/** Not by libvirt's `<log>`, which would need a daemon of its own. */
function recording(file: string | undefined): string {
  if (file === undefined) return '';
  return `    <qemu:arg value="-set"/>
    <qemu:arg value="chardev.charserial1.logfile=${escapeXml(file)}"/>
`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
