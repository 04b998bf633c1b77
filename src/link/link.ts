import type { Duplex } from 'node:stream';

export type LinkKind = 'channel' | 'serial' | 'virtio-console' | 'pty' | 'serialport';

export interface LinkDescription {
  readonly kind: LinkKind;
  /** Alias, channel name or host path: what `--link` takes. */
  readonly device: string;
  /** For people: "virtio channel org.guestwire.0", "isa-serial port serial1". */
  readonly label: string;
}

/** An open way into a guest. Whoever holds it destroys the stream. */
export interface Link {
  readonly stream: Duplex;
  readonly description: LinkDescription;
}

/** The channel our receivers open first. */
export const CHANNEL_NAME = 'org.guestwire.0';
