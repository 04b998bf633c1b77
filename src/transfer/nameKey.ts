/** When two names are the same one in the guest. */
import type { Session } from '../protocol/index.ts';

/** Whether the guest's system takes `A.txt` and `a.txt` for the same name. */
export function ignoresCase({ welcome }: Session): boolean {
  return welcome.system === 'windows';
}

/** The same for names that are the same in the guest. */
export function nameKey(session: Session, name: string): string {
  return ignoresCase(session) ? foldedName(name) : name;
}

/** As Windows compares names: each UTF-16 unit by itself, so that "ß" isn't "SS". */
function foldedName(name: string): string {
  const upper = name.toUpperCase();
  if (upper.length === name.length) return upper;
  return name
    .split('')
    .map(unit => (unit.toUpperCase().length === 1 ? unit.toUpperCase() : unit))
    .join('');
}
