import type { DomainPlace } from './connections.ts';

/** Lets a paused domain run on, or wakes a guest that has put itself to sleep: to people it's the same. */
export function resume({ connection, domain }: DomainPlace): Promise<void> {
  const state = connection.domains.get(domain.uuid)?.state ?? domain.state;
  return connection.use(one => (state === 'pmsuspended' ? one.wakeDomain(domain) : one.resumeDomain(domain)));
}
