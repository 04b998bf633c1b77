import { type Activity, activityOf } from './activity.ts';
import type { DomainPlace } from './connections.ts';

/** `lost`: the connection went away meanwhile, and with it whoever could tell. */
export type AwaitedActivity = 'reached' | 'timeout' | 'lost';

/** Waits until the domain is no longer in one of these states, as libvirt's events tell it. */
export function awaitLeaving(
  { connection, domain }: DomainPlace,
  states: readonly Activity[],
  timeoutMs: number,
): Promise<AwaitedActivity> {
  const { promise, resolve } = Promise.withResolvers<AwaitedActivity>();
  const look = () => {
    if (connection.status.kind === 'failed') return resolve('lost');
    const now = connection.domains.get(domain.uuid);
    // A transient domain is forgotten when it stops.
    if (!now || !states.includes(activityOf(now.state))) resolve('reached');
  };
  // Events come only while the connection is open, which the view may not need any more.
  const release = connection.hold();
  const stop = connection.changes.on(look);
  const timer = setTimeout(() => resolve('timeout'), timeoutMs);
  look();
  return promise.finally(() => {
    clearTimeout(timer);
    stop();
    release();
  });
}
