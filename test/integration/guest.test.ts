// The test guest itself: if one of these fails, don't look for the fault in Guestwire.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { bootGuest, type Guest, guestPorts } from '../support/guest.ts';
import { ensureSystemLibvirtd, type PrivateLibvirtd, startPrivateLibvirtd } from '../support/libvirtd.ts';
import { run } from '../support/processes.ts';

describe('a guest under a private libvirtd', () => {
  let libvirtd: PrivateLibvirtd;
  let guest: Guest;

  before(async () => {
    libvirtd = await startPrivateLibvirtd();
    guest = await bootGuest({ uri: libvirtd.uri, name: 'smoke' });
  });

  after(async () => {
    await guest?.destroy();
    await libvirtd?.stop();
  });

  it('runs a command and gives its status, output and error output apart', async () => {
    const result = await guest.run('echo "a  b"; echo c >&2; exit 3');
    assert.deepEqual(result, { status: 3, stdout: 'a  b\n', stderr: 'c\n' });
  });

  it('ends a command that takes too long, and goes on', async () => {
    const { status } = await guest.run('sleep 60', { timeoutMs: 1000 });
    assert.equal(status, 137);
    assert.equal((await guest.run('echo on')).stdout, 'on\n');
  });

  it('has the ports of the design', async () => {
    for (const port of Object.values(guestPorts)) await guest.mustRun(`test -c $(readlink -f ${port})`);
    assert.match(await guest.mustRun('cat /proc/tty/driver/serial'), /^1: uart:16550A/m);
  });

  it('hashes as the host does', async () => {
    await guest.mustRun("printf 'abc' > '/tmp/a name'");
    assert.equal(await guest.sha256('/tmp/a name'), crypto.createHash('sha256').update('abc').digest('hex'));
  });

  it('has a small, a read-only and a large file system', async () => {
    assert.notEqual((await guest.run('dd if=/dev/zero of=/small/x bs=1M count=3')).status, 0);
    await guest.mustRun('rm /small/x');
    assert.notEqual((await guest.run('touch /ro/file')).status, 0);
    await guest.mustRun('dd if=/dev/zero of=/tmp/x bs=1M count=150 && rm /tmp/x', { timeoutMs: 120_000 });
  });

  it('has a Python with all a receiver imports', async () => {
    // At its beginning; what else it imports, such as a decoder, it can do without.
    const imports = await guest.mustRun("grep -E '^(import|from) ' /guestwire/receiver.py");
    const lines = imports.trim().split('\n');
    assert.ok(lines.includes('import zlib'), imports);
    await guest.mustRun(`python3 -c '${lines.join('; ')}'`, { timeoutMs: 180_000 });
  });

  it('gives a root shell on its console', async () => {
    // Held open until the answer: QEMU looks but once a second whether somebody opened the pty.
    const pty = await fs.promises.open(await guest.ptyPath('serial0'), 'r+');
    try {
      await pty.write('\necho typed > /tmp/typed\n');
      const typed = await guest.mustRun('until [ -s /tmp/typed ]; do usleep 20000; done; cat /tmp/typed');
      assert.equal(typed, 'typed\n');
    } finally {
      await pty.close();
    }
  });

  it('survives a crash and a restart of libvirtd', async () => {
    await libvirtd.restartLibvirtd('SIGKILL');
    assert.equal((await run('virsh', ['-q', '-c', guest.uri, 'domstate', guest.name])).trim(), 'running');
    assert.equal((await guest.run('echo still here')).stdout, 'still here\n');
  });

  it('can be switched off and on again', async () => {
    await guest.mustRun('touch /tmp/before');
    await guest.forceOff();
    assert.equal((await run('virsh', ['-q', '-c', guest.uri, 'domstate', guest.name])).trim(), 'shut off');
    await guest.start();
    assert.notEqual((await guest.run('test -e /tmp/before')).status, 0);
  });

  it('leaves nothing behind', async () => {
    await guest.destroy();
    assert.equal((await run('virsh', ['-q', '-c', libvirtd.uri, 'list', '--all', '--name'])).trim(), '');
  });
});

describe('a guest under qemu:///system', () => {
  it('boots there too', { skip: process.getuid?.() === 0 ? false : 'needs root' }, async () => {
    const libvirtd = await ensureSystemLibvirtd();
    assert.ok(libvirtd, 'libvirt-daemon-system is not installed');
    try {
      const guest = await bootGuest({ uri: libvirtd.uri, name: 'system', startReceiver: false });
      try {
        assert.equal((await guest.run('echo up')).stdout, 'up\n');
      } finally {
        await guest.destroy();
      }
    } finally {
      await libvirtd.stop();
    }
  });
});
