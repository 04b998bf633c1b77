/** What the files of a copy could not get or keep: one sentence for each kind of note, however many files have it. */
import type { CopyResult } from '../../transfer/index.ts';
import { ENGLISH, type MessageId } from './english.ts';
import { type Message, message } from './message.ts';

export function keptMessages({ files, folders = [] }: Pick<CopyResult, 'files' | 'folders'>): Message[] {
  const all = [...files, ...folders].flatMap(({ destination, notes = [] }) =>
    notes.map(note => ({ note, destination })),
  );
  return [...Map.groupBy(all, ({ note }) => note)].map(([note, ofOneKind]) => {
    const [first] = ofOneKind;
    const who =
      first && ofOneKind.length === 1
        ? message('quoted', first.destination)
        : message('kept.many', String(ofOneKind.length));
    const id = `kept.${note}`;
    return Object.hasOwn(ENGLISH, id) ? message(id as MessageId, who) : message('kept.other', who, note);
  });
}
