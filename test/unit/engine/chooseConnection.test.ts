// Which connection the default comes to, with FAKEs of the system's daemon in all the ways it can be of no use.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connect, LibvirtError, type LibvirtErrorCode } from 'libvirt';
import { worded } from '../../../src/cli/wording.ts';
import { chooseConnection } from '../../../src/engine/guest/chooseConnection.ts';
import { connectionName, connectionNote } from '../../../src/engine/messages/connectionMessages.ts';
import { describeError } from '../../../src/engine/messages/describeError.ts';
import { abortError } from '../../../src/text/abort.ts';
import { FakeLibvirtd } from '../../support/fakeLibvirtd.ts';

const CLOSE = 2;
const uris = ['qemu:///system', 'qemu:///session'];

/** The system's daemon refuses with this. */
const refusing = (error: Error) => ({ uris, connect: () => Promise.reject(error) });

async function noteOf(code: LibvirtErrorCode): Promise<string> {
  const chosen = await chooseConnection(undefined, refusing(new LibvirtError(code, '')));
  assert.equal(chosen.uri, 'qemu:///session');
  return worded(connectionNote(chosen) as never);
}

describe('the connection', () => {
  it('is the one that was named, whatever becomes of it', async () => {
    assert.deepEqual(await chooseConnection('test:///x', refusing(new Error('asked'))), { uri: 'test:///x' });
  });

  it("is the system's where its daemon lets this user in", async () => {
    const daemon = new FakeLibvirtd();
    const chosen = await chooseConnection(undefined, {
      uris,
      connect: uri => connect(uri, { dial: daemon.dial }),
    });
    assert.deepEqual(chosen, { uri: 'qemu:///system' });
    assert.equal(connectionNote(chosen), undefined);
    assert.deepEqual([daemon.peers.length, daemon.peer(0).calls(CLOSE).length], [1, 1]);
  });

  it('is not asked for where there is no other, as for root or with LIBVIRT_DEFAULT_URI', async () => {
    const only = { ...refusing(new Error('asked')), uris: ['qemu:///system'] };
    assert.deepEqual(await chooseConnection(undefined, only), { uri: 'qemu:///system' });
  });

  it("is the user's own where the system's can't be used, and says why", async () => {
    const using = /^Using qemu:\/\/\/session, because qemu:\/\/\/system can't be /;
    for (const code of ['no-socket', 'connection-lost', 'access-denied', 'denied', 'internal'] as const)
      assert.match(await noteOf(code), using);
    assert.match(await noteOf('no-socket'), /can't be reached: its daemon isn't running\.$/);
    assert.match(await noteOf('denied'), /can't be used: you don't have permission\. /);
    assert.match(await noteOf('connection-lost'), /its daemon doesn't answer\.$/);
  });

  it("is the user's own where the system's daemon offers no more than a look", async () => {
    const daemon = new FakeLibvirtd([], { readOnly: true });
    const open = (uri: string) => connect(uri, { dial: daemon.dial });
    const chosen = await chooseConnection(undefined, { uris, connect: open });
    assert.match(worded(connectionNote(chosen) as never), /only read-only access\. /);
  });

  it('is named in the errors with what was passed over for it', async () => {
    const chosen = await chooseConnection(undefined, refusing(new LibvirtError('no-socket', '')));
    const context = { uri: connectionName(chosen), domain: 'web' };
    assert.match(
      worded(describeError(new LibvirtError('no-domain', ''), context)),
      /^There is no domain "web" at qemu:\/\/\/session \(qemu:\/\/\/system can't be reached: its daemon isn't running\)\./,
    );
  });

  it('is given up with the user', async () => {
    await assert.rejects(chooseConnection(undefined, refusing(abortError())), { name: 'AbortError' });
  });
});
