/** Paths in the guest: which separators its system knows, the receiver has said. */
import type { Session } from '../protocol/index.ts';

export function joinGuestPath(session: Session, directory: string, name: string): string {
  return endsWithSeparator(directory, session)
    ? directory + name
    : directory + session.welcome.separator + name;
}

/** What stands behind the last separator. */
export function lastName(path: string, { welcome }: Session): string {
  const backslash = welcome.separator === '\\' ? path.lastIndexOf('\\') : -1;
  return path.slice(Math.max(path.lastIndexOf('/'), backslash) + 1);
}

export function endsWithSeparator(path: string, session: Session): boolean {
  return path.endsWith('/') || (session.welcome.separator === '\\' && path.endsWith('\\'));
}

/** With a separator at its end, so that it stands for a folder whatever is there. */
export function asFolder(path: string, session: Session): string {
  return endsWithSeparator(path, session) ? path : joinGuestPath(session, path, '');
}

/** The folder of what a path names; undefined for a path such as `C:file`, whose folder nobody knows. */
export function parentFolder(path: string, session: Session): string | undefined {
  const { separator } = session.welcome;
  const end = path.length - lastName(path, session).length;
  if (end > 0) return path.slice(0, end);
  return separator === '\\' && path.includes(':') ? undefined : `.${separator}`;
}
