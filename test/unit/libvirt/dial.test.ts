import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect, type Dialer, dialCommand, type LibvirtError } from 'libvirt';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'libvirt-dial-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const uriOf = (path: string) => `qemu:///system?socket=${path}`;
const noErrno = (message: string) => assert.doesNotMatch(message, /E[A-Z]{4,}|errno/);

test('a socket that is not there is told by its path', async () => {
  const path = join(folder, 'absent-sock');
  await assert.rejects(connect(uriOf(path)), (error: LibvirtError) => {
    assert.equal(error.code, 'no-socket');
    assert.equal(error.subject, path);
    return true;
  });
});

test('a socket that nobody serves is told by its path', async () => {
  const path = join(folder, 'dead-sock');
  writeFileSync(path, '');
  await assert.rejects(connect(uriOf(path)), (error: LibvirtError) => {
    assert.equal(error.code, 'no-socket');
    assert.deepEqual([error.reason, error.subject], ['not-listening', path]);
    noErrno(error.message);
    return true;
  });
});

test('a socket this user may not open is told by its path', async t => {
  if (process.geteuid?.() !== 0) return denied();
  // Root may open anything, so it steps down to "nobody" for the one connection.
  t.diagnostic('as uid 65534');
  process.seteuid?.(65_534);
  try {
    await denied();
  } finally {
    process.seteuid?.(0);
  }
});

async function denied(): Promise<void> {
  const parent = mkdtempSync(join(tmpdir(), 'libvirt-denied-'));
  const server = await listen(join(parent, 'sock'));
  chmodSync(join(parent, 'sock'), 0o000);
  try {
    await assert.rejects(connect(uriOf(join(parent, 'sock'))), (error: LibvirtError) => {
      assert.equal(error.code, 'access-denied');
      assert.equal(error.subject, join(parent, 'sock'));
      noErrno(error.message);
      return true;
    });
  } finally {
    server.close();
    rmSync(parent, { recursive: true, force: true });
  }
}

function listen(path: string): Promise<Server> {
  return new Promise(resolve => {
    const server = createServer(socket => socket.destroy());
    server.listen(path, () => resolve(server));
  });
}

test('a daemon that hangs up at once is a lost connection', async () => {
  const path = join(folder, 'rude-sock');
  const server = await listen(path);
  await assert.rejects(connect(uriOf(path)), { code: 'connection-lost' });
  server.close();
});

test('a transport that is not there is told', async () => {
  await assert.rejects(connect('qemu+ssh://host/system'), {
    ...{ code: 'unsupported', reason: 'transport', subject: 'ssh' },
  });
});

test('a command that is not there', async () => {
  await assert.rejects(dialCommand('no-such-helper-of-libvirt', []), {
    ...{ code: 'no-socket', reason: 'no-helper', subject: 'no-such-helper-of-libvirt' },
  });
});

test('what a command says on stderr becomes the message, even though its output ended first', async () => {
  const script = 'exec >&-; sleep 0.1; echo "ssh: no route to host" >&2; exit 255';
  const dial: Dialer = (_uri, options) => dialCommand('sh', ['-c', script], options);
  await assert.rejects(connect('qemu:///system', { dial }), {
    code: 'connection-lost',
    says: /ssh: no route to host/,
  });
});

test('destroying a command’s transport ends the command', async () => {
  const transport = await dialCommand('sleep', ['600']);
  const closed = transport.lastWords?.();
  transport.destroy();
  assert.equal(await closed, undefined);
});
