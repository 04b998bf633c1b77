/** The user's own daemon, which starts on demand. Root has none, so as root this runs as the user of QEMU. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { qemuUser } from '../../support/libvirtd.ts';
import { pollUntil } from '../../support/polling.ts';
import { findProgram } from '../../support/processes.ts';

const client = `
  import { connect } from ${JSON.stringify(import.meta.resolve('libvirt'))};
  const connection = await connect('qemu:///session');
  console.log(JSON.stringify({ uri: connection.uri, domains: (await connection.listDomains()).length }));
  await connection.close();
`;

let home: string;
const pidFile = () => join(home, 'run/libvirt/libvirtd.pid');

before(() => {
  home = mkdtempSync(join(tmpdir(), 'lv-session-')); // short: the path of a socket has at most 107 bytes
  mkdirSync(join(home, 'run'));
  const { uid, gid } = qemuUser();
  for (const folder of [home, join(home, 'run')]) {
    chmodSync(folder, 0o700);
    if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
  }
});

after(async () => {
  // It would end by itself two minutes after its last client.
  if (existsSync(pidFile())) process.kill(Number(readFileSync(pidFile(), 'utf8')));
  await pollUntil('the session daemon ended', () => !existsSync(pidFile()));
  rmSync(home, { recursive: true, force: true });
});

async function listInSession(): Promise<unknown> {
  const environment = { PATH: process.env.PATH, HOME: home, XDG_RUNTIME_DIR: join(home, 'run') };
  const nodeArguments = ['--input-type=module', '--eval', client];
  const { stdout } = await promisify(execFile)(process.execPath, nodeArguments, {
    env: environment,
    cwd: '/',
    timeout: 120_000,
    ...qemuUser(),
  });
  return JSON.parse(stdout);
}

const skip = findProgram('virt-ssh-helper') ? false : 'virt-ssh-helper (libvirt-daemon) is not installed';

test('qemu:///session starts the daemon, and then finds it running', { skip }, async () => {
  assert.equal(existsSync(pidFile()), false);
  assert.deepEqual(await listInSession(), { uri: 'qemu:///session', domains: 0 });
  assert.equal(existsSync(pidFile()), true);
  assert.deepEqual(await listInSession(), { uri: 'qemu:///session', domains: 0 });
});
