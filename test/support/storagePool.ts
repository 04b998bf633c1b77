// A storage pool for tests: a folder that libvirt, and the QEMU it starts, may write to.
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run } from './processes.ts';

export interface TestPool {
  readonly name: string;
  readonly folder: string;
  remove(): Promise<void>;
}

/** A transient pool of type `dir`, active at once. */
export async function makeTestPool(uri: string, label: string): Promise<TestPool> {
  const name = `guestwire-test-${label}-${crypto.randomBytes(3).toString('hex')}`;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `${name}-`));
  // The daemon runs as another user when the tests are run by root.
  fs.chmodSync(folder, 0o777);
  const virsh = (...args: string[]) => run('virsh', ['-q', '-c', uri, ...args], { timeoutMs: 180_000 });
  await virsh('pool-create-as', name, 'dir', '--target', folder);
  const remove = async () => {
    await virsh('pool-destroy', name);
    fs.rmSync(folder, { recursive: true, force: true });
  };
  return { name, folder, remove };
}
