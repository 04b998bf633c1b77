/** Whether several UARTs of one domain carry more together than one does alone. */
import { type BenchGuest, type Port, ports } from '../guest/benchGuest.ts';
import { interleave } from '../interleave.ts';
import type { CaseResult } from '../sample.ts';
import type { Session } from '../session.ts';
import { rawLanes } from '../ways/raw.ts';

const GUEST_MB = 384;
const TRIGGER = 14;
const pciSerial = (number: number): string =>
  `<serial type="pty"><target type="pci-serial" port="${number}"><model name="pci-serial"/></target></serial>`;

/** Linux numbers a PCI UART after the four places ISA ones may have. */
const pciPorts: Port[] = [
  { alias: 'serial2', path: '/dev/ttyS4' },
  { alias: 'serial3', path: '/dev/ttyS5' },
];

export async function lanes(session: Session): Promise<CaseResult> {
  const file = session.randomFile(session.scale.laneBytes);
  const guests: BenchGuest[] = [];
  try {
    for (const processors of [1, 2]) {
      guests.push(
        await session.boot({ memoryMb: GUEST_MB, processors, furtherDevices: pciSerial(2) + pciSerial(3) }),
      );
    }
    const ways = guests.flatMap((guest, index) =>
      [[ports.serial], [ports.serial, ...pciPorts.slice(0, 1)], [ports.serial, ...pciPorts]].map(used => ({
        name: `${count(used.length, 'UART')}, ${count(index + 1, 'virtual CPU')}`,
        run: () => rawLanes(guest, used, file, { trigger: TRIGGER }),
      })),
    );
    return await interleave(
      'lanes',
      'raw rate of one, two and three UARTs together',
      session.scale.repeats,
      ways,
    );
  } finally {
    for (const guest of guests) await session.release(guest);
  }
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
