/** What an answer says of things that a file could not get or keep, PROTOCOL.md §5. */
import type { Reply } from '../protocol/index.ts';
import { parseRecordNumbers } from './bundle/bundleRecord.ts';

/** The answer comes from a guest: so many, and none longer. */
const MAX_NOTES = 16;
const NOTE = /^[a-z0-9-]{1,32}$/;

/** To be spread into a result: without notes there is no such key. */
export function notesOf(reply: Pick<Reply, 'get'>): { notes?: readonly string[] } {
  return withNotes(reply.get('notes')?.split(',') ?? []);
}

export function withNotes(notes: readonly string[]): { notes?: readonly string[] } {
  const kinds = [...new Set(notes)].filter(note => NOTE.test(note)).slice(0, MAX_NOTES);
  return kinds.length > 0 ? { notes: kinds } : {};
}

/** Of a bundle's answer, the notes of each record. */
export function recordNotes(reply: Iterable<[string, string]>, count: number): (number: number) => string[] {
  const noted = [...reply]
    .filter(([key]) => key.startsWith('note-'))
    .slice(0, MAX_NOTES)
    .map(([key, value]) => [key.slice('note-'.length), parseRecordNumbers(value, count)] as const);
  return number => noted.filter(([, numbers]) => numbers.has(number)).map(([kind]) => kind);
}
