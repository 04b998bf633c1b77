/** Whether several UARTs of one domain carry more together than one does alone: raw, and as Guestwire's lanes. */
import path from 'node:path';
import { type BenchGuest, type Port, ports, workDirectory } from '../guest/benchGuest.ts';
import { interleave } from '../interleave.ts';
import type { CaseResult, Sample, Way } from '../sample.ts';
import type { Session } from '../session.ts';
import { guestwireCopy } from '../ways/guestwire.ts';
import { rawLanes } from '../ways/raw.ts';

const GUEST_MB = 384;
const TRIGGER = 14;
/** A copy must last some seconds for lanes to be tried and measured, whatever the scale. */
const MIN_COPY_BYTES = 600_000;
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
    const copied = session.randomFile(Math.max(session.scale.laneBytes, MIN_COPY_BYTES));
    const ways = await Promise.all(guests.map((guest, index) => waysOf(guest, index + 1, file, copied)));
    return await interleave(
      'lanes',
      'UARTs side by side; rate of all together',
      session.scale.fewRepeats,
      ways.flat(),
    );
  } finally {
    for (const guest of guests) await session.release(guest);
  }
}

async function waysOf(guest: BenchGuest, processors: number, file: string, copied: string): Promise<Way[]> {
  const [second, third] = await findPciPorts(guest);
  const sets = [[ports.serial], [ports.serial, second], [ports.serial, second, third]];
  await serve(guest, [ports.serial, second, third]);
  const raw = sets.map(used => ({
    name: `${count(used.length, 'UART')}, ${count(processors, 'virtual CPU')}`,
    run: () => rawLanes(guest, used, file, { trigger: TRIGGER }),
  }));
  const copies = ['off', 'auto', 'on'].map(lanes => ({
    name: `Guestwire, lanes ${lanes}, ${count(processors, 'virtual CPU')}`,
    run: () => copyByLanes(guest, lanes, copied),
  }));
  return [...raw, ...copies];
}

async function copyByLanes(guest: BenchGuest, lanes: string, file: string): Promise<Sample> {
  await guest.clear();
  const destination = path.posix.join(workDirectory, 'file');
  return guestwireCopy(guest, ports.serial, [file], destination, { further: ['--lanes', lanes] });
}

/** From its next start on the receiver serves these; which they are is known only once the guest runs. */
async function serve(bench: BenchGuest, served: readonly Port[]): Promise<void> {
  await bench.receiver(false);
  const paths = served.map(port => port.path).join(' ');
  await bench.guest.mustRun(`echo "RECEIVER_PORTS='${paths}'" >> /guestwire-test/boot.env`);
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
