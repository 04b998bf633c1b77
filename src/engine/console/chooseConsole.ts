import type { Candidate } from '../../link/index.ts';
import type { DomainDetails } from '../connections/managedConnection.ts';

/** Where a person looks for a login: the first serial port, else the first virtio console. */
export function defaultConsole({ devices, candidates }: DomainDetails): Candidate | undefined {
  const consoles = candidates.filter(({ kind }) => kind !== 'channel');
  const primary = consoles.find(({ alias }) => alias === devices.primarySerial);
  const usable = consoles.filter(({ use }) => use !== 'unusable');
  return (
    usable.find(one => one === primary) ?? usable.find(({ kind }) => kind === 'virtio-console') ?? usable[0]
  );
}
