import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OpenGuest } from '../../../src/engine/guest/openGuest.ts';
import { linkNotes } from '../../../src/engine/messages/linkNotes.ts';

const serial = { kind: 'serial', device: 'serial1', label: 'isa-serial port serial1' } as const;
const channel = {
  kind: 'channel',
  device: 'org.guestwire.0',
  label: 'virtio channel org.guestwire.0',
} as const;
const guest = {
  domain: { name: 'vm' },
  hasChannel: true,
  link: { description: serial },
  passedOver: [],
} as unknown as OpenGuest;

describe('notes on the link', () => {
  it('are none where the link is what it should be', () => {
    assert.deepEqual(linkNotes(guest, true), []);
  });

  it('say which faster link does not answer', () => {
    const [note, ...others] = linkNotes({ ...guest, passedOver: [channel] }, true);
    assert.match(note ?? '', /over isa-serial port serial1, for no receiver answered on virtio channel/);
    assert.deepEqual(others, []);
  });

  it('say how to get a faster one, but not to whoever named the link or uses a port', () => {
    const [note] = linkNotes({ ...guest, hasChannel: false }, true);
    assert.match(note ?? '', /attach-device.*org\.guestwire\.0/);
    assert.deepEqual(linkNotes({ ...guest, hasChannel: false }, false), []);
    assert.deepEqual(linkNotes({ ...guest, hasChannel: false, domain: undefined }, true), []);
  });
});
