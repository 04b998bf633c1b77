import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { worded } from '../../../src/cli/wording.ts';
import type { OpenGuest } from '../../../src/engine/guest/openGuest.ts';
import { linkNotes } from '../../../src/engine/messages/linkNotes.ts';

const serial = { kind: 'serial', element: 'serial', model: 'isa-serial', device: 'serial1' } as const;
const channel = { kind: 'channel', element: 'channel', device: 'org.guestwire.0' } as const;
const guest = {
  domain: { name: 'vm' },
  hasChannel: true,
  link: { description: serial },
  passedOver: [],
} as unknown as OpenGuest;

const notes = (...args: Parameters<typeof linkNotes>) => linkNotes(...args).map(worded);

describe('notes on the link', () => {
  it('are none where the link is what it should be', () => {
    assert.deepEqual(linkNotes(guest, true), []);
  });

  it('say which faster link does not answer', () => {
    const [note, ...others] = notes({ ...guest, passedOver: [channel] }, true);
    assert.match(
      note ?? '',
      /over isa-serial port serial1 because virtio channel org\.guestwire\.0 has no receiver/,
    );
    assert.deepEqual(others, []);
  });

  it('say how to get a faster one, but not to whoever named the link or uses a port', () => {
    const [note] = notes({ ...guest, hasChannel: false }, true);
    assert.match(note ?? '', /attach-device.*org\.guestwire\.0/);
    assert.deepEqual(linkNotes({ ...guest, hasChannel: false }, false), []);
    assert.deepEqual(linkNotes({ ...guest, hasChannel: false, domain: undefined }, true), []);
  });
});
