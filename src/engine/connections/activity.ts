import type { DomainState, ListedDomain } from 'libvirt';

/** What can be done with a domain in a state. */
export type Activity = 'running' | 'paused' | 'stopping' | 'off';

const ACTIVITIES: Readonly<Record<DomainState, Activity>> = {
  nostate: 'running',
  running: 'running',
  blocked: 'running',
  paused: 'paused',
  pmsuspended: 'paused',
  shutdown: 'stopping',
  shutoff: 'off',
  crashed: 'off',
};

export function activityOf(state: DomainState): Activity {
  return ACTIVITIES[state];
}

const ORDER: readonly Activity[] = ['running', 'paused', 'stopping', 'off'];

/** In the order given, but those that do something first. */
export function runningFirst(domains: readonly ListedDomain[]): ListedDomain[] {
  const rank = ({ state }: ListedDomain) => ORDER.indexOf(activityOf(state));
  return [...domains].sort((a, b) => rank(a) - rank(b));
}
