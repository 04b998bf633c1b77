/** The bench's guest: the test guest with the other ways' programs, and the two sides of its ports at hand. */
import { connect, type LibvirtConnection, type LibvirtStream } from 'libvirt';
import { bootGuest, type Guest, guestPorts, type ReceiverKind } from '../../support/guest.ts';
import type { Sample } from '../sample.ts';
import { ensurePeerPrograms } from './peerPrograms.ts';

/** A device of the domain, as both sides know it. */
export interface Port {
  /** Alias in libvirt, as `--link` takes it. */
  alias: string;
  /** Path in the guest. */
  path: string;
}

export const ports = {
  serial: { alias: 'serial1', path: guestPorts.serial1 },
  console: { alias: 'console1', path: guestPorts.console1 },
  channel: { alias: 'channel0', path: guestPorts.channel0 },
} as const satisfies Record<string, Port>;

/** Linux' own RX FIFO trigger level of a 16550A, and the highest it takes. */
export type Trigger = 8 | 14;

/** Where copies go; removed after each. */
export const workDirectory = '/tmp/bench';

export const agentPort = 'org.guestwire.bench.agent';

export interface BenchGuestOptions {
  memoryMb: number;
  processors?: number;
  furtherDevices?: string;
  receiver?: ReceiverKind;
}

export async function bootBenchGuest(uri: string, options: BenchGuestOptions): Promise<BenchGuest> {
  const guest = await bootGuest({
    ...options,
    uri,
    name: 'bench',
    furtherPorts: [agentPort],
    furtherFiles: [await ensurePeerPrograms()],
  });
  return new BenchGuest(guest);
}

export class BenchGuest {
  readonly guest: Guest;
  #receiverRuns = true;

  constructor(guest: Guest) {
    this.guest = guest;
  }

  /** Starts or ends the receiver if need be: it must not read along where another program measures. */
  async receiver(wanted: boolean): Promise<void> {
    if (wanted === this.#receiverRuns) return;
    if (wanted) await this.guest.startReceiver();
    else await this.guest.killReceiver();
    this.#receiverRuns = wanted;
  }

  /** Of a guest booted with `mono`: starts this one in the place of whichever runs. */
  async chooseReceiver(kind: ReceiverKind): Promise<void> {
    await this.receiver(false);
    await this.guest.chooseReceiver(kind);
    await this.receiver(true);
  }

  /** Makes an empty work directory. */
  async clear(): Promise<void> {
    await this.guest.mustRun(`rm -rf ${workDirectory}; mkdir -p ${workDirectory}`, { timeoutMs: 60_000 });
  }

  /** Raw mode and the trigger level, if it is a UART. A tty forgets its settings at the last close: one keeps it open. */
  async prepareTty(port: Port, trigger: Trigger | undefined): Promise<void> {
    const keeper = `/run/keeper${port.path.replaceAll('/', '-')}`;
    await this.guest.mustRun(
      `[ -e ${keeper} ] || { setsid sleep 1000000 <${port.path} >/dev/null 2>&1 & echo $! > ${keeper}; }; stty -F ${port.path} raw -echo`,
    );
    if (trigger === undefined) return;
    await this.guest.mustRun(`echo ${trigger} > /sys/class/tty/${port.path.split('/').at(-1)}/rx_trig_bytes`);
  }

  /** Seconds the guest's processors were not idle since its boot. */
  async cpuSeconds(): Promise<number> {
    const [, user, nice, system, , , irq, softIrq] = (await this.guest.mustRun('head -n 1 /proc/stat')).split(
      /\s+/,
    );
    return [user, nice, system, irq, softIrq].reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond;
  }

  /**
   * Begins to count. What it returns tells what was used since: of the host's processor by this program, which is the
   * host's end of all ways that are no program of their own.
   *
   * @param port - of a UART the guest's driver knows the bytes in both directions
   */
  async count(port?: Port): Promise<() => Promise<Usage>> {
    const before = await this.#counters(port);
    return async () => {
      const after = await this.#counters(port);
      return {
        hostCpuSeconds: after.hostCpuSeconds - before.hostCpuSeconds,
        guestCpuSeconds: after.guestCpuSeconds - before.guestCpuSeconds,
        ...(after.wireBytes === undefined ? {} : { wireBytes: after.wireBytes - (before.wireBytes ?? 0) }),
      };
    };
  }

  async #counters(port: Port | undefined): Promise<Usage> {
    const { user, system } = process.cpuUsage();
    const usage = { hostCpuSeconds: (user + system) / 1e6, guestCpuSeconds: await this.cpuSeconds() };
    const [, line] = /^\/dev\/ttyS(\d+)$/.exec(port?.path ?? '') ?? [];
    if (line === undefined) return usage;
    const counters = await this.guest.mustRun(`grep '^${line}:' /proc/tty/driver/serial`);
    const bytes = [...counters.matchAll(/[tr]x:(\d+)/g)].map(([, count]) => Number(count));
    return { ...usage, wireBytes: bytes.reduce((sum, count) => sum + count, 0) };
  }

  /** Opens the host's side of a port through libvirt; `close` ends it. */
  async open(port: Port): Promise<OpenPort> {
    const connection = await connect(this.guest.uri);
    try {
      const domain = await connection.lookupByName(this.guest.name);
      const stream = port.alias.startsWith('channel')
        ? await connection.openChannel(domain, port.alias)
        : await connection.openConsole(domain, port.alias);
      // What goes wrong shows in the write that fails.
      stream.on('error', () => {});
      return new OpenPort(connection, stream);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }
}

export type Usage = Required<Pick<Sample, 'hostCpuSeconds' | 'guestCpuSeconds'>> & Pick<Sample, 'wireBytes'>;

/** USER_HZ, in which /proc/stat counts on every Linux for x86. */
export const ticksPerSecond = 100;

export class OpenPort {
  readonly stream: LibvirtStream;
  readonly #connection: LibvirtConnection;
  #heard = '';

  constructor(connection: LibvirtConnection, stream: LibvirtStream) {
    this.#connection = connection;
    this.stream = stream;
    stream.on('data', (bytes: Buffer) => {
      this.#heard = (this.#heard + bytes.toString('latin1')).slice(-HEARD_CHARACTERS);
    });
  }

  /** Resolves when the guest has sent this text, then forgets it. */
  async heard(text: string, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!this.#heard.includes(text)) {
      if (performance.now() > deadline) throw new Error(`the guest did not say "${text}"`);
      await new Promise(resolve => setTimeout(resolve, 2));
    }
    this.#heard = '';
  }

  async close(): Promise<void> {
    this.stream.destroy();
    await this.#connection.close();
  }
}

const HEARD_CHARACTERS = 4_096;
