import { activityOf } from '../connections/activity.ts';
import type { DomainPlace } from '../connections/connections.ts';
import { domainKey } from '../guest/target.ts';

/** Where a copy may go: a domain, or a serial line of this computer with a receiver at its other end. */
export type Target =
  | ({ readonly kind: 'domain' } & DomainPlace)
  | { readonly kind: 'port'; readonly path: string };

export interface DomainChoices {
  /** The one used last first, then by connection and name. */
  readonly ready: readonly Target[];
  readonly notRunning: readonly Target[];
}

export function targetKey(target: Target): string {
  return target.kind === 'port' ? target.path : domainKey(target.connection.uri, target.domain.uuid);
}

export function domainChoices(
  domains: readonly DomainPlace[],
  ports: readonly string[],
  lastKey: string | undefined,
): DomainChoices {
  const targets: Target[] = domains.map(place => ({ kind: 'domain', ...place }));
  const isRunning = (target: Target) =>
    target.kind === 'port' || activityOf(target.domain.state) === 'running';
  const ready = [...targets.filter(isRunning), ...ports.map((path): Target => ({ kind: 'port', path }))];
  const last = ready.filter(target => targetKey(target) === lastKey);
  return {
    ready: [...last, ...ready.filter(target => !last.includes(target))],
    notRunning: targets.filter(target => !isRunning(target)),
  };
}

/** Where there is only one place to go, nobody need be asked. */
export function onlyChoice({ ready }: DomainChoices): Target | undefined {
  return ready.length === 1 ? ready[0] : undefined;
}
