import type { DomainPlace } from '../connections/connections.ts';
import type { Consoles } from '../console/consoles.ts';
import type { Receivers } from '../receivers.ts';
import type { InsertedDiscs } from './disc/insertedDiscs.ts';

/** What the ways to a receiver work with. */
export interface InstallParts {
  readonly place: DomainPlace;
  readonly consoles: Consoles;
  readonly receivers: Receivers;
  readonly discs: InsertedDiscs;
}
