/** What a port gives at best: `dd` in the guest reads, the host writes through the same libvirt stream a copy uses. */
import { once } from 'node:events';
import fs from 'node:fs';
import type { BenchGuest, OpenPort, Port, Trigger } from '../guest/benchGuest.ts';
import { peerDirectory } from '../guest/peerPrograms.ts';
import type { Sample } from '../sample.ts';

const READY = 'bench-ready';
const BLOCK_BYTES = 262_144;
const TIMEOUT_MS = 600_000;

export interface RawOptions {
  trigger?: Trigger;
  /** Where dd writes; default the NULL device. */
  sink?: string;
  /** Also read the sink again for its SHA-256, as somebody who wants to be sure would. */
  hash?: boolean;
}

/** One file through one port. */
export async function rawCopy(
  bench: BenchGuest,
  port: Port,
  file: string,
  options: RawOptions = {},
): Promise<Sample> {
  return rawLanes(bench, [port], file, options);
}

/** The same file through several ports at once; the bytes of all count. The clock is dd's own, that of the last. */
export async function rawLanes(
  bench: BenchGuest,
  ports: readonly Port[],
  file: string,
  { trigger, sink = '/dev/null', hash = false }: RawOptions = {},
): Promise<Sample> {
  await bench.receiver(false);
  for (const port of ports) if (!port.alias.startsWith('channel')) await bench.prepareTty(port, trigger);
  const { size } = fs.statSync(file);
  const open = await Promise.all(ports.map(port => bench.open(port)));
  try {
    const used = await bench.count();
    const printed = bench.guest.mustRun(readAll(ports, size, sink, hash), { timeoutMs: TIMEOUT_MS });
    // It fails here only if sending fails too, which tells more.
    printed.catch(() => {});
    await Promise.all(open.map(port => send(port, file)));
    const seconds = secondsOf(await printed, ports.length, size);
    const usage = await used();
    return {
      bytes: size * ports.length,
      seconds,
      wireBytes: size * ports.length,
      ...usage,
    };
  } finally {
    await Promise.all(open.map(port => port.close()));
  }
}

/** A shell script: a dd for each port, which says on its port that it is about to read. */
function readAll(ports: readonly Port[], bytes: number, sink: string, hash: boolean): string {
  const lanes = ports.map(
    ({ path }, index) =>
      `( exec 4<>${path}; printf ${READY} >&4; exec ${peerDirectory}/dd <&4 of=${sink} bs=64k iflag=fullblock,count_bytes count=${bytes} ) 2>/run/dd.${index} &`,
  );
  const hashing = hash
    ? `read -r begin _ </proc/uptime; sha256sum ${sink}; read -r end _ </proc/uptime; echo "hashing $begin $end"`
    : '';
  return `${lanes.join('\n')}\nwait; cat /run/dd.*; rm /run/dd.*\n${hashing}`;
}

async function send(port: OpenPort, file: string): Promise<void> {
  await port.heard(READY, 30_000);
  for await (const block of fs.createReadStream(file, { highWaterMark: BLOCK_BYTES })) {
    if (!port.stream.write(block)) await once(port.stream, 'drain');
  }
}

function secondsOf(printed: string, lanes: number, bytes: number): number {
  // "1000000 bytes (1.0 MB, 977 KiB) copied, 5.01234 s, 200 kB/s"
  const copies = [...printed.matchAll(/^(\d+) bytes .*copied, ([\d.]+) s/gm)];
  // A read that ends early would give a rate nobody can have.
  if (copies.length !== lanes || copies.some(([, copied]) => Number(copied) !== bytes))
    throw new Error(`dd in the guest was to copy ${bytes} bytes and said: ${printed.trim()}`);
  const [, begin, end] = /hashing ([\d.]+) ([\d.]+)/.exec(printed) ?? [];
  return Math.max(...copies.map(([, , seconds]) => Number(seconds))) + Number(end ?? 0) - Number(begin ?? 0);
}
