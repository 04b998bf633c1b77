// The API other extensions use, into a real guest.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import type { GuestwireApi } from '../../src/ui/api.ts';
import { bootGuest, type Guest } from '../support/guest.ts';
import { ensureLibvirtd, type Libvirtd } from '../support/libvirtd.ts';
import { guestwire } from './extension.ts';
import { MemoryFiles } from './memoryFiles.ts';

const SMALL_BYTES = 300_001;
/** Takes many seconds over a 16550A: long enough to be cancelled in the middle. */
const LARGE_BYTES = 20_000_000;

describe('copyToGuest', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'guestwire-api-'));
  const memory = new MemoryFiles();
  let registration: vscode.Disposable;
  let libvirtd: Libvirtd;
  let guest: Guest;
  let api: GuestwireApi;

  before(async () => {
    registration = vscode.workspace.registerFileSystemProvider('guestwire-memory', memory);
    libvirtd = await ensureLibvirtd();
    guest = await bootGuest({ uri: libvirtd.uri, name: 'api' });
    api = await guestwire().activate();
  });

  after(async () => {
    await guest?.destroy();
    await libvirtd?.stop();
    registration?.dispose();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  function randomFile(name: string, bytes: number): { uri: vscode.Uri; sha256: string } {
    const content = crypto.randomBytes(bytes);
    const file = path.join(directory, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
    return { uri: vscode.Uri.file(file), sha256: sha256(content) };
  }

  it('copies a file that the guest then has with the same SHA-256', async () => {
    const { uri, sha256: expected } = randomFile('one.bin', SMALL_BYTES);
    const result = await api.copyToGuest([uri], { domain: guest.name, destination: '/tmp/one.bin' });
    assert.equal(result.files.length, 1);
    assert.equal(result.files[0]?.verified, true);
    assert.equal(result.files[0]?.sha256, expected);
    assert.equal(result.bytes, SMALL_BYTES);
    assert.equal(await guest.sha256('/tmp/one.bin'), expected);
  });

  it('copies a folder and a file into a folder', async () => {
    const inner = randomFile('folder/deep/inner.bin', 1_000);
    const beside = randomFile('beside.bin', 2_000);
    await guest.mustRun('mkdir -p /tmp/several');
    const sources = [vscode.Uri.file(path.join(directory, 'folder')), beside.uri];
    const result = await api.copyToGuest(sources, { domain: guest.name, destination: '/tmp/several/' });
    assert.ok(result.files.every(({ error }) => error === undefined));
    assert.equal(await guest.sha256('/tmp/several/folder/deep/inner.bin'), inner.sha256);
    assert.equal(await guest.sha256('/tmp/several/beside.bin'), beside.sha256);
  });

  it("copies from another extension's file system", async () => {
    const content = crypto.randomBytes(SMALL_BYTES);
    memory.add('/virtual/from memory.bin', content);
    const source = vscode.Uri.parse('guestwire-memory:/virtual/from%20memory.bin');
    await api.copyToGuest([source], { domain: guest.name, destination: '/tmp/' });
    assert.equal(await guest.sha256('/tmp/from memory.bin'), sha256(content));
  });

  it('copies a folder of such a file system', async () => {
    const content = crypto.randomBytes(5_000);
    memory.add('/tree/a/b.bin', content);
    const source = vscode.Uri.parse('guestwire-memory:/tree');
    await api.copyToGuest([source], { domain: guest.name, destination: '/tmp/' });
    assert.equal(await guest.sha256('/tmp/tree/a/b.bin'), sha256(content));
  });

  it('follows the conflict policy it is given', async () => {
    const first = randomFile('conflict.bin', 1_000);
    const options = { domain: guest.name, destination: '/tmp/conflict.bin' };
    await api.copyToGuest([first.uri], options);
    const second = randomFile('conflict.bin', 1_001);
    const skipped = await api.copyToGuest([second.uri], { ...options, conflict: 'skip' });
    assert.equal(skipped.files[0]?.skipped, true);
    assert.equal(await guest.sha256('/tmp/conflict.bin'), first.sha256);
    await api.copyToGuest([second.uri], { ...options, conflict: 'overwrite' });
    assert.equal(await guest.sha256('/tmp/conflict.bin'), second.sha256);
  });

  it('stops when it is cancelled, and leaves nothing under the final name', async () => {
    const { uri } = randomFile('large.bin', LARGE_BYTES);
    await guest.mustRun('mkdir /tmp/cancelled');
    const source = new vscode.CancellationTokenSource();
    const copying = api.copyToGuest(
      [uri],
      { domain: guest.name, destination: '/tmp/cancelled/', link: 'serial1' },
      source.token,
    );
    // Some of it is in the guest, under whatever unfinished name.
    await guest.mustRun('until [ "$(du -s /tmp/cancelled | cut -f1)" -gt 50 ]; do usleep 50000; done', {
      timeoutMs: 60_000,
    });
    source.cancel();
    await assert.rejects(copying, { code: 'aborted' });
    assert.notEqual((await guest.run('test -e /tmp/cancelled/large.bin')).status, 0);
  });

  it('says which domain there is not', async () => {
    const { uri } = randomFile('none.bin', 1);
    const options = { domain: 'no-such-domain', destination: '/tmp/' };
    await assert.rejects(api.copyToGuest([uri], options), { code: 'no-domain', message: /no-such-domain/ });
  });

  it('says which file there is not', async () => {
    const missing = vscode.Uri.file(path.join(directory, 'missing.bin'));
    const result = await api.copyToGuest([missing], { domain: guest.name, destination: '/tmp/' });
    assert.match(result.files[0]?.error?.message ?? '', /missing\.bin/);
    assert.equal(result.files[0]?.verified, false);
  });
});

function sha256(content: Buffer): string {
  return crypto.createHash('sha256').update(content).digest('hex');
}
