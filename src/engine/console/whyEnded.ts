import { setTimeout as delay } from 'node:timers/promises';
import type { Domain, LibvirtConnection } from 'libvirt';
import { type Message, message } from '../messages/message.ts';

/** A domain's devices go some milliseconds before libvirt says that it is off. */
const SETTLE_MS = 800;
const STEP_MS = 100;

export interface EndedConsole {
  readonly name: Message;
  /** As it was when the console was opened. */
  readonly domain: Domain;
  /** Of the error that ended it; undefined where the device simply ended. */
  readonly code: string | undefined;
  /** Runs with an open connection to libvirt. */
  readonly use: <T>(work: (connection: LibvirtConnection) => Promise<T>) => Promise<T>;
  readonly codeOf: (error: unknown) => string;
}

/** Why an open console ended, as far as libvirt can tell. */
export async function whyEnded({ name, domain, code, use, codeOf }: EndedConsole): Promise<Message> {
  if (code === 'connection-lost') return message('console.daemon-gone', name);
  try {
    if (await use(connection => hasStopped(connection, domain, codeOf))) {
      return message('console.domain-stopped', name);
    }
  } catch {
    return message('console.daemon-gone', name);
  }
  if (code === 'stream-failed') return message('console.taken-over', name);
  return message('console.ended', name);
}

async function hasStopped(
  connection: LibvirtConnection,
  { uuid, id }: Domain,
  codeOf: (error: unknown) => string,
): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < SETTLE_MS; waitedMs += STEP_MS) {
    try {
      // Another id: it stopped and was started again.
      if ((await connection.lookupByUuid(uuid)).id !== id) return true;
    } catch (error) {
      // A transient domain is forgotten when it stops.
      if (codeOf(error) === 'no-domain') return true;
      throw error;
    }
    await delay(STEP_MS);
  }
  return false;
}
