/** The engine of receiver.ps1 beside receiver.py, in one guest. */
import path from 'node:path';
import { type ReceiverKind, receiverNames } from '../../support/guest.ts';
import { type BenchGuest, type Port, ports, workDirectory } from '../guest/benchGuest.ts';
import { interleaveGroups } from '../interleave.ts';
import type { CaseResult, Way } from '../sample.ts';
import type { Session } from '../session.ts';
import { guestwireCopy } from '../ways/guestwire.ts';

const GUEST_MB = 768;
const destination = path.posix.join(workDirectory, 'file');

interface Link {
  name: string;
  port: Port;
  bytes: number;
  /** Of the copy that lets Mono compile what it runs; a receiver that has been there for a while has done so. */
  warmUpBytes: number;
}

export async function receivers(session: Session): Promise<CaseResult> {
  const bench = await session.boot({ memoryMb: GUEST_MB, receiver: 'mono' });
  const { laneBytes, consoleBytes, agentBytes, fewRepeats } = session.scale;
  const links: Link[] = [
    { name: 'isa-serial', port: ports.serial, bytes: laneBytes, warmUpBytes: 32_000 },
    { name: 'virtio console', port: ports.console, bytes: consoleBytes, warmUpBytes: 1_000_000 },
    { name: 'virtio channel', port: ports.channel, bytes: agentBytes, warmUpBytes: 4_000_000 },
  ];
  try {
    return await interleaveGroups(
      'receivers',
      'the two receivers, each just started and after a short copy; incompressible, into a tmpfs',
      fewRepeats,
      links.map(link => waysOf(session, bench, link)),
    );
  } finally {
    await session.release(bench);
  }
}

function waysOf(session: Session, bench: BenchGuest, link: Link): Way[] {
  return Object.entries(receiverNames).map(([kind, receiver]) => ({
    name: `${link.name}, ${receiver}`,
    run: async () => {
      await bench.chooseReceiver(kind as ReceiverKind);
      await bench.clear();
      await guestwireCopy(bench, link.port, [session.randomFile(link.warmUpBytes)], destination);
      await bench.clear();
      return guestwireCopy(bench, link.port, [session.randomFile(link.bytes)], destination);
    },
  }));
}
