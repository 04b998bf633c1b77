import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { domainText } from '../../../src/cli/listDomains.ts';

const demo = {
  name: 'de\u001bmo',
  uuid: 'u',
  id: null,
  state: 'shutoff',
  guestSystem: 'unknown',
} as const;

describe('list of domains', () => {
  it('shows each link with its verdict and the reason', () => {
    const links = [
      {
        device: 'serial1',
        kind: 'serial' as const,
        label: 'isa-serial port serial1',
        use: 'automatic' as const,
        reason: 'an extra one',
      },
      {
        device: 'bad\u0007',
        kind: 'channel' as const,
        label: 'channel bad\u0007',
        use: 'unusable' as const,
        reason: 'so',
      },
    ];
    assert.equal(
      domainText({ ...demo, links }),
      'de\\x1bmo  (shut off)\n' +
        '  serial1  tried          isa-serial port serial1: an extra one\n' +
        "  bad\\x07  can't be used  channel bad\\x07: so",
    );
  });

  it('says when there is none, or why it is not known', () => {
    assert.match(domainText({ ...demo, links: [] }), /\n {2}no serial port, console or virtio channel$/);
    assert.match(domainText({ ...demo, links: [], problem: 'Its XML is odd.' }), /\n {2}Its XML is odd\.$/);
  });
});
