// install.sh under a real systemd and a real OpenRC: each is process 1 of a namespace in a real guest, whose own
// process 1 is the tests' script. Killing it is a power cut; started anew it finds what was installed. busybox's
// init is in installerDisc.test.ts.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, before, describe, it } from 'node:test';
import { buildComDd, startComDd } from '../../support/comDd.ts';
import { bootGuest, type Guest } from '../../support/guest.ts';
import { ensureInit, type InitName } from '../../support/guestInits.ts';
import type { Libvirtd } from '../../support/libvirtd.ts';
import { pollUntil } from '../../support/polling.ts';
import { SetUp } from '../../support/setUp.ts';

/** What a Debian that was installed has besides the packages' files, and how its init starts. */
const inits: Record<InitName, { prepare: string; start: string; isUp: string; status: RegExp }> = {
  systemd: {
    prepare: `mount -t cgroup2 cgroup2 /sys/fs/cgroup && echo 0123456789abcdef0123456789abcdef > /etc/machine-id &&
      ln -s /dev/null /etc/systemd/system/getty.target`,
    start: 'env container=guestwire-test /lib/systemd/systemd',
    isUp: 'systemctl is-active multi-user.target',
    status: /Active: active \(running\)/,
  },
  openrc: {
    prepare: `mkdir -p /run/openrc /var && ln -s ../run /var/run &&
      : > /etc/insserv.conf && : > /etc/fstab && echo uucp:x:10: >> /etc/group &&
      printf '::sysinit:/sbin/openrc sysinit\\n::sysinit:/sbin/openrc boot\\n::wait:/sbin/openrc default\\n' > /etc/inittab`,
    start: 'init',
    isUp: 'rc-status | grep "Runlevel: default"',
    status: /status: started/,
  },
};

describe('install.sh', () => {
  const setUp = new SetUp();
  let libvirtd: Libvirtd;
  let guest: Guest | undefined;

  before(async () => {
    libvirtd = await setUp.libvirtd();
    await buildComDd();
  });

  afterEach(async () => {
    await guest?.destroy();
    guest = undefined;
  });

  for (const name of Object.keys(inits) as InitName[]) {
    it(`installs a receiver that ${name} starts each time, and takes it away again`, async () => {
      const init = inits[name];
      guest = await bootGuest({
        uri: libvirtd.uri,
        name,
        startReceiver: false,
        memoryMb: 512,
        furtherFiles: [await ensureInit(name)],
      });
      await guest.mustRun(init.prepare);
      await start(name);
      const said = await inInit('sh /guestwire/install.sh', 150_000);
      assert.match(said, new RegExp(`receiver runs .*after each start \\(${name}\\)`));
      await copies('first');

      await guest.mustRun('kill -KILL $(cat /run/init.pid); rm /run/init.pid');
      await start(name);
      await copies('second');
      const status = name === 'systemd' ? 'systemctl status guestwire' : 'rc-service guestwire status';
      assert.match(await inInit(status), init.status);

      const uninstalled = await inInit('sh /usr/local/lib/guestwire/install.sh --uninstall', 60_000);
      assert.match(uninstalled, /no longer installed/);
      assert.equal((await guest.run('ls /usr/local/lib/guestwire')).status, 1);
      assert.equal((await guest.run('ps | grep -v grep | grep guestwire/receiver')).stdout, '');
      const left = 'find /etc -name "*guestwire*"';
      assert.equal(await guest.mustRun(left), '');
    });
  }

  async function start(name: InitName): Promise<void> {
    const { start, isUp } = inits[name];
    const run = `read -r pid rest < /proc/self/stat; echo $pid > /run/init.pid; mount -t proc proc /proc; exec ${start}`;
    await guest?.mustRun(`setsid unshare -p -f -m sh -c '${run}' < /dev/null > /run/init.log 2>&1 &`);
    const wait = `until [ -s /run/init.pid ] && nsenter -t $(cat /run/init.pid) -p -m sh -c '${isUp}'; do sleep 1; done`;
    await guest?.mustRun(`{ ${wait}; } > /run/wait.log 2>&1`, { timeoutMs: 120_000 });
  }

  async function inInit(command: string, timeoutMs = 30_000): Promise<string> {
    const entered = `nsenter -t $(cat /run/init.pid) -p -m sh -c '${command}' 2>&1`;
    return (await guest?.mustRun(entered, { timeoutMs })) ?? '';
  }

  /** The receiver may just be starting. */
  async function copies(name: string): Promise<void> {
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'guestwire-init-')), name);
    fs.writeFileSync(file, `${name}\n`.repeat(1000));
    try {
      const copy = () => startComDd(['-c', libvirtd.uri, '--quiet', guest?.name ?? '', file, '/tmp/']).result;
      const patience = { timeoutMs: 120_000, intervalMs: 1000 };
      await pollUntil('the receiver takes a copy', async () => (await copy()).code === 0, patience);
      assert.equal(await guest?.mustRun(`cat /tmp/${name}`), fs.readFileSync(file, 'utf8'));
    } finally {
      fs.rmSync(path.dirname(file), { recursive: true, force: true });
    }
  }
});
