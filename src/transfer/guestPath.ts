/** Paths in the guest: which separators its system knows, the receiver has said. */
import type { Session } from '../protocol/index.ts';

export function joinGuestPath(session: Session, directory: string, name: string): string {
  return endsWithSeparator(directory, session)
    ? directory + name
    : directory + session.welcome.separator + name;
}

export function endsWithSeparator(path: string, session: Session): boolean {
  return path.endsWith('/') || (session.welcome.separator === '\\' && path.endsWith('\\'));
}
