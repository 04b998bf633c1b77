import type { DomainPlace } from '../../engine/connections/connections.ts';
import type { Receivers } from '../../engine/connections/receivers.ts';
import type { InsertedDiscs } from '../../install/disc/insertedDiscs.ts';
import type { Consoles } from '../console/consoles.ts';

/** What the ways to a receiver work with. */
export interface InstallParts {
  readonly place: DomainPlace;
  readonly consoles: Consoles;
  readonly receivers: Receivers;
  readonly discs: InsertedDiscs;
}
