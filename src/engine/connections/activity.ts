import type { DomainState } from 'libvirt';

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
