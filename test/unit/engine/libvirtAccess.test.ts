// Why libvirt refuses a user, with made-up groups, sockets and services.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { LibvirtError, type LibvirtErrorCode } from 'libvirt';
import { worded } from '../../../src/cli/wording.ts';
import { type AccessSources, findAccessGap } from '../../../src/engine/guest/libvirtAccess.ts';
import { accessAdvice } from '../../../src/engine/messages/accessMessages.ts';
import { describeError } from '../../../src/engine/messages/describeError.ts';

const LINES = ['libvirt:x:106:anna,bert', 'virt:x:107:anna'];

function fake(change: Partial<AccessSources> = {}): AccessSources {
  return {
    user: 'anna',
    groups: [1000, 106, 107],
    groupLine: wanted => LINES.find(line => line.split(':').includes(String(wanted))),
    stat: () => ({ mode: 0o140660, gid: 107 }),
    runsDbus: () => true,
    runsPolkit: () => true,
    ...change,
  };
}

function advise(code: LibvirtErrorCode, change: Partial<AccessSources> = {}, number?: number): string {
  const error = new LibvirtError(code, '', { subject: '/run/sock', number });
  return worded(accessAdvice(error, socket => findAccessGap(socket, fake(change))));
}

describe('a user whom libvirt refuses', () => {
  for (const code of ['denied', 'auth-failed', 'read-only'] as const) {
    it(`${code}: is told to join the group only where they are not in it`, () => {
      const outside = { user: 'carl', groups: [1001] };
      assert.match(
        advise(code, outside),
        /aren't in the group "libvirt"\. Run "sudo usermod -aG libvirt \$USER"/,
      );
      assert.match(
        advise(code, { groups: [1000] }),
        /are in the group "libvirt", but this login began before/,
      );
      for (const change of [{}, { groups: [1000] }]) assert.doesNotMatch(advise(code, change), /usermod/);
      // By their primary group, which lists no members.
      assert.doesNotMatch(advise(code, { user: 'dora' }), /usermod|log/i);
    });
  }

  it('is told what lacks where they are in the group', () => {
    assert.match(
      advise('denied', { runsDbus: () => false }),
      /D-Bus, over which libvirt asks polkit, isn't running/,
    );
    assert.match(advise('denied', { runsPolkit: () => false }), /polkit, which libvirt asks, isn't running/);
    assert.match(advise('denied'), /D-Bus and polkit run, and yet polkit refuses/);
    assert.match(
      advise('denied', { groupLine: () => undefined }),
      /There is no group "libvirt" on this computer/,
    );
  });

  it("is told of the socket's own group, mode and folder where it's the socket that is closed", () => {
    const code = 'access-denied';
    assert.match(
      advise(code, { user: 'bert', groups: [] }),
      /aren't in the group "virt"\. .*usermod -aG virt /,
    );
    assert.match(advise(code, { groups: [1000] }), /are in the group "virt", but this login/);
    assert.match(advise(code), /in its group "virt", so it isn't its mode/);
    assert.equal(advise(code, { stat: () => ({ mode: 0o140700, gid: 107 }) }), 'Only its owner may open it.');
    const closed = () => {
      throw new Error('EACCES');
    };
    assert.match(advise(code, { stat: closed }), /^A folder on the way to it is closed to you/);
  });

  it('is not told of groups where neither a group nor polkit decided', () => {
    assert.equal(advise('denied', {}, 79), 'The question for a password was cancelled.');
    assert.match(advise('denied', {}, 88), /^One of libvirt's own access rules/);
  });

  it('is told once, with what libvirt says behind it', () => {
    const says = 'authentication unavailable: no polkit agent available';
    const error = new LibvirtError('denied', '', { says, number: 88 });
    assert.equal(
      worded(describeError(error, { uri: 'qemu:///system' })),
      `libvirt at qemu:///system doesn't let you do this. One of libvirt's own access rules forbids it. libvirt says: "${says}".`,
    );
  });

  it("is looked up in this computer's files", t => {
    const folder = mkdtempSync(join(tmpdir(), 'guestwire-access-'));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'sock'), '', { mode: 0o600 });
    assert.deepEqual(findAccessGap(join(folder, 'sock')), { kind: 'owner-only' });
    assert.deepEqual(findAccessGap(join(folder, 'none')), { kind: 'closed-folder' });
    assert.ok(
      ['not-a-member', 'not-yet', 'member', 'no-group', 'no-dbus', 'no-polkit'].includes(
        findAccessGap(undefined).kind,
      ),
    );
  });
});
