import { activityOf } from '../connections/activity.ts';
import type { DomainPlace } from '../connections/connections.ts';
import { type DomainTarget, type Target, targetKey } from '../guest/target.ts';

export interface DomainChoices {
  /** The one used last first, then by connection and name. */
  readonly ready: readonly Target[];
  readonly notRunning: readonly DomainTarget[];
}

/** @param link - as com-dd's `--link` */
export function targetOf({ connection, domain }: DomainPlace, link: string): DomainTarget {
  return { kind: 'domain', uri: connection.uri, uuid: domain.uuid, name: domain.name, link };
}

export function domainChoices(
  domains: readonly DomainPlace[],
  ports: readonly string[],
  lastKey: string | undefined,
  linkOf: (domain: string) => string,
): DomainChoices {
  const isRunning = ({ domain }: DomainPlace) => activityOf(domain.state) === 'running';
  const targetsOf = (places: readonly DomainPlace[]) =>
    places.map(place => targetOf(place, linkOf(place.domain.name)));
  const ready: readonly Target[] = [
    ...targetsOf(domains.filter(isRunning)),
    ...ports.map(path => ({ kind: 'port', path }) as const),
  ];
  const last = ready.filter(target => targetKey(target) === lastKey);
  return {
    ready: [...last, ...ready.filter(target => !last.includes(target))],
    notRunning: targetsOf(domains.filter(place => !isRunning(place))),
  };
}

/** Where there is only one place to go, nobody need be asked. */
export function onlyChoice({ ready }: DomainChoices): Target | undefined {
  return ready.length === 1 ? ready[0] : undefined;
}
