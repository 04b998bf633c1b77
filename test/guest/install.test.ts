// install.sh into a root of our own, for each init it knows. With busybox's real init, and as a whole, it runs in
// test/integration/ui/installerDisc.test.ts.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { repositoryRoot } from '../support/paths.ts';
import { run } from '../support/processes.ts';

const script = path.join(repositoryRoot, 'dist/guest/install.sh');
const inittab = 'tty1::respawn:/sbin/getty 38400 tty1\n';

describe('install.sh', () => {
  let root: string;

  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'guestwire-install-'));
    fs.mkdirSync(path.join(root, 'etc'));
    fs.writeFileSync(path.join(root, 'etc/inittab'), inittab, { mode: 0o640 });
  });

  afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

  const install = (...args: string[]) =>
    run('sh', [script, ...args], { env: { ...process.env, DESTDIR: root }, timeoutMs: 30_000 });
  const read = (name: string) => fs.readFileSync(path.join(root, name), 'utf8');
  const files = () =>
    fs
      .readdirSync(root, { recursive: true, withFileTypes: true })
      .filter(entry => !entry.isDirectory())
      .map(entry => path.relative(root, path.join(entry.parentPath, entry.name)))
      .sort();

  it('installs receiver and unit for systemd, which takes the unit', async () => {
    await install('--init', 'systemd');
    const unit = 'etc/systemd/system/guestwire.service';
    assert.deepEqual(files(), [
      'etc/inittab',
      unit,
      'etc/systemd/system/multi-user.target.wants/guestwire.service',
      'usr/local/lib/guestwire/install.sh',
      'usr/local/lib/guestwire/receiver.py',
    ]);
    assert.equal(
      read('usr/local/lib/guestwire/receiver.py'),
      fs.readFileSync(path.join(repositoryRoot, 'dist/guest/receiver.py'), 'utf8'),
    );
    assert.equal(
      fs.readlinkSync(path.join(root, 'etc/systemd/system/multi-user.target.wants/guestwire.service')),
      `/${unit}`,
    );
    assert.match(read(unit), /^ExecStart=\/\S+ \/usr\/local\/lib\/guestwire\/receiver\.py$/m);
    // It only warns of what systemd would pass over, an unknown key or value.
    const verify = ['-c', 'systemd-analyze verify "$1" 2>&1', 'sh', path.join(root, unit)];
    assert.equal(await run('sh', verify, { timeoutMs: 60_000 }), '');
  });

  it('installs a script for OpenRC that is a shell script', async () => {
    await install('--init', 'openrc');
    const name = 'etc/init.d/guestwire';
    assert.equal(fs.statSync(path.join(root, name)).mode & 0o777, 0o755);
    assert.equal(fs.readlinkSync(path.join(root, 'etc/runlevels/default/guestwire')), `/${name}`);
    const command = '. "$1"; depend() { :; }; echo "$supervisor|$command|$command_args"';
    const said = await run('sh', ['-c', command, 'sh', path.join(root, name)]);
    assert.match(said, /^supervise-daemon\|\/\S+\|\/usr\/local\/lib\/guestwire\/receiver\.py\n$/);
  });

  it("adds one line to busybox's inittab, however often", async () => {
    for (let times = 0; times < 2; times += 1) await install('--init', 'busybox');
    assert.equal(read('etc/inittab'), `${inittab}::respawn:/bin/sh /usr/local/lib/guestwire/start\n`);
    assert.equal(fs.statSync(path.join(root, 'etc/inittab')).mode & 0o777, 0o640);
    assert.match(read('usr/local/lib/guestwire/start'), /receiver\.py\nsleep 10\n$/);
  });

  it('takes away all of it, and nothing else', async () => {
    for (const init of ['systemd', 'openrc', 'busybox']) await install('--init', init);
    const own = path.join(root, 'usr/local/lib/guestwire/install.sh');
    await run('sh', [own, '--uninstall'], { env: { ...process.env, DESTDIR: root } });
    assert.deepEqual(files(), ['etc/inittab']);
    assert.equal(read('etc/inittab'), inittab);
    assert.equal(fs.existsSync(path.join(root, 'usr/local/lib/guestwire')), false);
  });

  it('leaves what it does not know in its folder', async () => {
    await install('--init', 'busybox');
    fs.writeFileSync(path.join(root, 'usr/local/lib/guestwire/mine'), '');
    assert.match(await install('--uninstall'), /not removed/);
    assert.deepEqual(files(), ['etc/inittab', 'usr/local/lib/guestwire/mine']);
  });

  it('changes nothing when it can not go on', async () => {
    await assert.rejects(install(), /--init has to be given/);
    await assert.rejects(install('--init', 'upstart'), /usage/);
    await assert.rejects(install('--init'), /usage/);
    fs.rmSync(path.join(root, 'etc/inittab'));
    await assert.rejects(install('--init', 'busybox'), /nothing was changed/);
    assert.deepEqual(files(), []);
  });
});
