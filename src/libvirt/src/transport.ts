import type { Readable, Writable } from 'node:stream';
import type { ConnectionUri } from './uri.ts';

/** A byte stream to a daemon: a socket (both sides the same object), a child's stdio, a test's pipe. */
export interface Transport {
  readonly readable: Readable;
  readonly writable: Writable;
  /** True when this way leads to the daemon's read-only socket. */
  readonly readOnly: boolean;
  /** Closes both directions at once. May be called twice. */
  destroy(): void;
  /** Asked after the stream ended: what the other side said elsewhere (a child's stderr), if anything. */
  lastWords?(): Promise<string | undefined>;
}

export interface DialOptions {
  readonly signal?: AbortSignal | undefined;
  /** Go to the read-only socket at once. */
  readonly readOnly?: boolean | undefined;
}

/** Opens a new transport; called once per connection and once per stream. Rejects with a LibvirtError. */
export type Dialer = (uri: ConnectionUri, options: DialOptions) => Promise<Transport>;

export function duplexTransport(stream: Readable & Writable, readOnly = false): Transport {
  return { readable: stream, writable: stream, readOnly, destroy: () => stream.destroy() };
}
