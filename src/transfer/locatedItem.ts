/** What a walk has found, with its place in the guest. */
import type { Session } from '../protocol/index.ts';
import type { Destination } from './destination.ts';
import type { GuestDirectory } from './guestDirectories.ts';
import { joinGuestPath } from './guestPath.ts';
import type { WalkItem } from './sourceTree.ts';
import type { Claim } from './takenNames.ts';

export interface LocatedItem {
  readonly item: WalkItem;
  /** Names from the destination down. */
  readonly below: readonly string[];
  /** In the guest. */
  readonly path: string;
  /** The path of the copied folder that it is in; what was named is in none. */
  readonly parent: string | undefined;
  /** A separator inside a name would lead to another place in the guest than the source's tree says. */
  readonly isBadName: boolean;
  /** Where something else of this copy could have the same name. */
  readonly claim?: Claim | undefined;
}

export function locate(session: Session, item: WalkItem, { kind, path }: Destination): LocatedItem {
  const { names } = item.kind === 'entry' ? item.entry : item;
  const below = kind === 'directory' ? names : names.slice(1);
  const join = (directory: string, name: string) => joinGuestPath(session, directory, name);
  const parent = below.slice(0, -1).reduce(join, path);
  const last = below.at(-1);
  return {
    ...{ item, below },
    path: last === undefined ? parent : join(parent, last),
    parent: names.length === 1 ? undefined : parent,
    isBadName: below.some(name => name.includes(session.welcome.separator)),
  };
}

/** Undefined where it is no directory. */
export function directoryOf({ item, path, parent, below }: LocatedItem): GuestDirectory | undefined {
  const isDirectory = item.kind === 'entry' && item.entry.info.type === 'directory';
  return isDirectory ? { entry: item.entry, path, parent, below } : undefined;
}
