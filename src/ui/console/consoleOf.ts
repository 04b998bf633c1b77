import type { DomainPlace } from '../../engine/connections/connections.ts';
import { defaultConsole } from '../../engine/console/chooseConsole.ts';
import type { Candidate } from '../../link/index.ts';
import { harmless } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';
import { tell } from '../support/tell.ts';

/** The console where a login is expected; tells the user if there is none. */
export async function consoleOf(place: DomainPlace): Promise<Candidate | undefined> {
  const candidate = defaultConsole(await place.connection.details(place.domain));
  if (!candidate) {
    const name = harmless(place.domain.name);
    const message = l10n.t('"{0}" has no serial console. Add a serial port to its definition.', name);
    tell.warning(message);
  }
  return candidate;
}
