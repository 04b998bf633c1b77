/** What the files of a copy could not get or keep: one sentence for each kind of note, however many files have it. */
import type { CopyResult } from '../../transfer/index.ts';
import { ENGLISH, type MessageId } from './english.ts';
import { type Message, message } from './message.ts';

export function keptMessages({ files, folders = [] }: Pick<CopyResult, 'files' | 'folders'>): Message[] {
  const noted = new Map<string, string[]>();
  for (const { destination, notes = [] } of [...files, ...folders])
    for (const note of notes) noted.set(note, [...(noted.get(note) ?? []), destination]);
  return [...noted].map(([note, destinations]) => {
    const [first = ''] = destinations;
    const who =
      destinations.length === 1
        ? message('quoted', first)
        : message('kept.many', String(destinations.length));
    const id = `kept.${note}`;
    return Object.hasOwn(ENGLISH, id) ? message(id as MessageId, who) : message('kept.other', who, note);
  });
}
