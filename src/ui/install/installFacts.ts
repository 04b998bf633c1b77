import { domainKey } from '../../engine/guest/target.ts';
import { CHANNEL_NAME } from '../../link/link.ts';
import type { InstallParts } from './installParts.ts';
import { insertedDisc } from './takeOutDisc.ts';
import type { InstallFacts } from './waysToReceiver.ts';

/** Looks now: other windows and programs change domains too. What can't be read is taken as not there. */
export async function installFacts(parts: InstallParts): Promise<InstallFacts> {
  const { place, receivers } = parts;
  const { connection, domain } = place;
  const [details, disc] = await Promise.all([
    connection.renewDetails(domain).catch(() => undefined),
    insertedDisc(parts).catch(() => undefined),
  ]);
  return {
    receiver: receivers.state(domainKey(connection.uri, domain.uuid), details),
    hasDisc: disc !== undefined,
    hasChannel: details?.devices.channels.some(({ name }) => name === CHANNEL_NAME) ?? false,
    hasLink: details?.candidates.some(({ use }) => use !== 'named-only' && use !== 'unusable') ?? true,
  };
}
