/** Where a copy goes. Plain data: it outlives the window. */

export interface DomainTarget {
  readonly kind: 'domain';
  /** libvirt's URI. */
  readonly uri: string;
  /** The domain may be renamed; where its UUID isn't known, it's found by its name. */
  readonly uuid?: string | undefined;
  readonly name: string;
  /** As com-dd's `--link`: `auto`, a device, or the path of a port of this computer. */
  readonly link: string;
  /** The user has chosen this link for the copy; otherwise it's what the settings said. */
  readonly isLinkChosen?: true;
}

/** A serial port of this computer, with a receiver at its other end. */
export interface PortTarget {
  readonly kind: 'port';
  readonly path: string;
}

export type Target = DomainTarget | PortTarget;

/** A domain among all connections. */
export function domainKey(uri: string, uuid: string): string {
  return `${uri}\n${uuid}`;
}

/** The same for the same guest, whatever the link; only one copy at a time can go to it. */
export function targetKey(target: Target): string {
  return target.kind === 'port' ? target.path : domainKey(target.uri, target.uuid ?? target.name);
}

export function targetName(target: Target): string {
  return target.kind === 'port' ? target.path : target.name;
}
