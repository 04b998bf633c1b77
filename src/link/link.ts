import type { Duplex } from 'node:stream';

export type LinkKind = 'channel' | 'serial' | 'virtio-console' | 'pty' | 'serialport';

export interface LinkDescription {
  readonly kind: LinkKind;
  /** The element of the domain's XML; `host` for a port of this computer. */
  readonly element: 'channel' | 'serial' | 'console' | 'host';
  /** libvirt's name of the hardware: a serial port's model ("isa-serial"), a console's target type ("virtio"). */
  readonly model?: string | undefined;
  /** Alias, channel name or host path: what `--link` takes. */
  readonly device: string;
}

/** An open way into a guest. Whoever holds it destroys the stream. */
export interface Link {
  readonly stream: Duplex;
  readonly description: LinkDescription;
}

export type OsFamily = 'windows' | 'other' | 'unknown';

/** The channel our receivers open first. */
export const CHANNEL_NAME = 'org.guestwire.0';
