/** Whether several UARTs of one domain carry more together than one does alone. */
import { type BenchGuest, type Port, ports } from '../guest/benchGuest.ts';
import { interleave } from '../interleave.ts';
import type { CaseResult, Way } from '../sample.ts';
import type { Session } from '../session.ts';
import { rawLanes } from '../ways/raw.ts';

const GUEST_MB = 384;
const TRIGGER = 14;
const pciSerial = (number: number): string =>
  `<serial type="pty"><target type="pci-serial" port="${number}"><model name="pci-serial"/></target></serial>`;

export async function lanes(session: Session): Promise<CaseResult> {
  const file = session.randomFile(session.scale.laneBytes);
  const guests: BenchGuest[] = [];
  try {
    for (const processors of [1, 2]) {
      guests.push(
        await session.boot({ memoryMb: GUEST_MB, processors, furtherDevices: pciSerial(2) + pciSerial(3) }),
      );
    }
    const ways = await Promise.all(guests.map((guest, index) => waysOf(guest, index + 1, file)));
    return await interleave(
      'lanes',
      'UARTs side by side; raw rate of all together',
      session.scale.fewRepeats,
      ways.flat(),
    );
  } finally {
    for (const guest of guests) await session.release(guest);
  }
}

async function waysOf(guest: BenchGuest, processors: number, file: string): Promise<Way[]> {
  const [second, third] = await findPciPorts(guest);
  const sets = [[ports.serial], [ports.serial, second], [ports.serial, second, third]];
  return sets.map(used => ({
    name: `${count(used.length, 'UART')}, ${count(processors, 'virtual CPU')}`,
    run: () => rawLanes(guest, used, file, { trigger: TRIGGER }),
  }));
}

/** Linux gives PCI UARTs whatever numbers are free; libvirt puts them on the bus in their order. */
async function findPciPorts({ guest }: BenchGuest): Promise<[Port, Port]> {
  const found = await guest.mustRun(
    'ls -d /sys/bus/pci/drivers/serial/*/tty/ttyS* /sys/bus/pci/drivers/serial/*/*/*/tty/ttyS* 2>/dev/null || true',
  );
  const [second, third] = [...found.matchAll(/ttyS\d+/g)].map(([name]) => `/dev/${name}`);
  if (!second || !third) throw new Error(`the guest does not have its two PCI UARTs: ${found.trim()}`);
  return [
    { alias: 'serial2', path: second },
    { alias: 'serial3', path: third },
  ];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
