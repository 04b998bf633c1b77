// Copying as people do it: the packaged extension in VS Code's window, a real guest at the other end.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Guest } from '../support/guest.ts';
import type { Libvirtd } from '../support/libvirtd.ts';
import { pollUntil } from '../support/polling.ts';
import type { Workbench } from '../support/vscodeWorkbench.ts';
import { tidyBetweenTests } from './betweenTests.ts';
import { WindowSetUp } from './windowSetUp.ts';

/** Many windows of a serial port. */
const NOTES_BYTES = 1_000_000;
/** The same where other work has the processors. */
const SLOW_COPY_MS = 240_000;
/** Minutes: never waited for. */
const LARGE_BYTES = 50_000_000;

describe('copying', () => {
  const setUp = new WindowSetUp();
  const { workspace } = setUp;
  const hashes = {
    notes: workspace.add('notes.txt', NOTES_BYTES),
    inner: workspace.add('results/run 1/inner.bin', 30_000),
    outer: workspace.add('results/outer.bin', 20_000),
    single: workspace.add('single.bin', 10_000),
    second: workspace.add('second.bin', 8_000),
  };
  workspace.add('large.bin', LARGE_BYTES);
  let libvirtd: Libvirtd;
  let guest: Guest;
  let bare: Guest;
  let workbench: Workbench;

  before(async () => {
    libvirtd = await setUp.libvirtd();
    const guests = await setUp.guests({ name: 'files' }, { name: 'bare', startReceiver: false });
    [guest, bare] = guests as [Guest, Guest];
    workbench = await setUp.window({
      'guestwire.connections': [libvirtd.uri],
      'guestwire.link': { [guest.name]: 'serial1' },
    });
  });

  tidyBetweenTests(() => workbench);

  /** The key of Copy to Last Guest VM. */
  async function pressCopyToLast(): Promise<void> {
    await workbench.page.keyboard.press('Control+k');
    await workbench.page.keyboard.press('Control+g');
  }

  async function copyTo({ name }: Guest, file: string, destination = '/tmp/'): Promise<void> {
    await workbench.chooseFromMenu(workbench.file(file), 'Copy to Guest VM');
    await workbench.pick(name);
    await workbench.answer(`Copy ${file} to`, destination);
  }

  /** A quick copy may be over before anything of it is seen. */
  async function arrives(to: Guest, file: string, sha256: string): Promise<void> {
    await pollUntil(`${file} is in the guest`, async () => {
      const isThere = (await to.run(`test -e '${file}'`)).status === 0;
      return isThere && (await to.sha256(file)) === sha256;
    });
  }

  async function cancel(file: string): Promise<void> {
    const progress = workbench.notification(`Copying ${file} to`);
    await progress.hover();
    await progress.getByRole('button', { name: 'Cancel' }).first().click();
    await progress.waitFor({ state: 'hidden' });
  }

  it('copies a file from the Explorer: pick, progress, verified, the same SHA-256', async () => {
    await workbench.file('notes.txt').click({ button: 'right' });
    await workbench.page.getByRole('menuitem', { name: 'Copy to Guest VM' }).waitFor();
    await workbench.screenshots('explorer-menu');
    await workbench.chooseInOpenMenu('Copy to Guest VM');
    await workbench.quickInput.locator('.monaco-list-row', { hasText: bare.name }).waitFor();
    await workbench.screenshots('pick-domain');
    await workbench.pick(guest.name);
    await workbench.asked(`Copy notes.txt to ${guest.name}`);
    await workbench.screenshots('destination');
    const letRun = await guest.paceReceiver();
    await workbench.answer('Copy notes.txt to', '/tmp/');
    await workbench.notification(/Copying notes\.txt to .*\d+%.*\/s/).waitFor();
    assert.match((await workbench.statusItem('throughput').textContent()) ?? '', /[\d.]+ .?B\/s \d+%/);
    await workbench.screenshots('progress');
    await letRun();
    await workbench.notification('Copied and verified: notes.txt').waitFor({ timeout: SLOW_COPY_MS });
    await workbench.notification('Copying notes.txt').waitFor({ state: 'hidden' });
    assert.match((await workbench.statusItem('throughput').textContent()) ?? '', /verified/);
    await workbench.screenshots('verified');
    assert.equal(await guest.sha256('/tmp/notes.txt'), hashes.notes);
  });

  it('copies several files and a folder at once', async () => {
    await guest.mustRun('mkdir /tmp/several');
    await workbench.select('results', 'single.bin');
    await workbench.chooseFromMenu(workbench.file('single.bin'), 'Copy to Guest VM');
    await workbench.pick(guest.name);
    await workbench.answer('Copy 2 files and folders to', '/tmp/several/');
    await workbench.result('Copied and verified: 3 files');
    await workbench.screenshots('several');
    assert.equal(await guest.sha256('/tmp/several/results/run 1/inner.bin'), hashes.inner);
    assert.equal(await guest.sha256('/tmp/several/results/outer.bin'), hashes.outer);
    assert.equal(await guest.sha256('/tmp/several/single.bin'), hashes.single);
  });

  it('cancels a copy half-way from its notification', async () => {
    await copyTo(guest, 'large.bin');
    // Less than 64 KiB isn't worth keeping.
    await workbench
      .notification(/Copying large\.bin to .*(\d{3} kB|MB) of 50/)
      .waitFor({ timeout: SLOW_COPY_MS });
    await cancel('large.bin');
    assert.notEqual((await guest.run('test -e /tmp/large.bin')).status, 0);
    assert.equal((await guest.run('ls /tmp/.guestwire-*.partial')).status, 0, 'something to resume from');
    await workbench.statusItem('throughput').waitFor({ state: 'hidden' });
  });

  it('asks what to do with a file that exists in the guest with different content', async () => {
    await guest.mustRun('echo other > /tmp/single.bin');
    await copyTo(guest, 'single.bin');
    await workbench.asked('exists in');
    await workbench.notification('waiting for your answer about single.bin').waitFor();
    await workbench.screenshots('conflict');
    await workbench.pick('Keep Both');
    await workbench.notification('Copied and verified: single.bin').waitFor();
    assert.equal((await guest.mustRun('cat /tmp/single.bin')).trim(), 'other');
    assert.equal(await guest.sha256('/tmp/single (2).bin'), hashes.single);
  });

  it('copies the active editor from the palette', async () => {
    const sha256 = workspace.addContent('todo.md', '# To do\n\n- copy this into the guest\n');
    await workbench.file('todo.md').dblclick();
    await workbench.page.locator('.editor-group-container .tab.active', { hasText: 'todo.md' }).waitFor();
    await workbench.runCommand('Guestwire: Copy to Guest VM');
    await workbench.pick(guest.name);
    await workbench.answer('Copy todo.md to', '/tmp/');
    await workbench.result('Copied and verified: todo.md');
    assert.equal(await guest.sha256('/tmp/todo.md'), sha256);
  });

  it('again without a question, by its key', async () => {
    const sha256 = workspace.addContent('todo.md', '# To do\n\n- copy this once more\n');
    await workbench.page.locator('.editor-group-container .view-line', { hasText: 'once more' }).waitFor();
    await workbench.page.locator('.editor-group-container .view-lines').click();
    // The guest's is the one that was copied there: it is replaced.
    await pressCopyToLast();
    await arrives(guest, '/tmp/todo.md', sha256);
    await guest.mustRun('echo "somebody\'s work" >> /tmp/todo.md');
    await pressCopyToLast();
    await workbench.asked('exists in');
    await workbench.pick('Overwrite');
    await arrives(guest, '/tmp/todo.md', sha256);
  });

  it('again from the Explorer, what is selected there: by the menu, for its key does not know it', async () => {
    await guest.mustRun('rm -f /tmp/single.bin');
    await workbench.file('single.bin').click();
    await pressCopyToLast();
    await workbench.notification('context menu').waitFor();
    await workbench.chooseFromMenu(workbench.file('single.bin'), 'Copy to Last Guest VM');
    await workbench.result('Copied and verified: single.bin');
    assert.equal(await guest.sha256('/tmp/single.bin'), hashes.single);
  });

  it("remembers a copy's folder, and not the name that was typed: the next file keeps its own", async () => {
    await guest.mustRun('mkdir /tmp/named');
    await copyTo(guest, 'single.bin', '/tmp/named/first.bin');
    await workbench.result('Copied and verified: single.bin');
    await workbench.chooseFromMenu(workbench.file('second.bin'), 'Copy to Last Guest VM');
    await workbench.result('Copied and verified: second.bin');
    assert.equal(await guest.sha256('/tmp/named/first.bin'), hashes.single);
    assert.equal(await guest.sha256('/tmp/named/second.bin'), hashes.second);
    await guest.mustRun('echo other > /tmp/named/second.bin');
    await workbench.chooseFromMenu(workbench.file('second.bin'), 'Copy to Last Guest VM');
    await workbench.asked('exists in');
    await workbench.pick('Skip');
    await workbench.chooseFromMenu(workbench.file('notes.txt'), 'Copy to Guest VM');
    await workbench.pick(guest.name);
    await workbench.asked('Copy notes.txt to');
    const proposed = workbench.quickInput.locator('input.input');
    await pollUntil(
      'folder and name are proposed',
      async () => (await proposed.inputValue()) === '/tmp/named/notes.txt',
    );
    await workbench.page.keyboard.press('Escape');
  });

  it('reports a domain without a receiver, and retries', async () => {
    await copyTo(bare, 'single.bin');
    const failure = workbench.notification(/receiver/).filter({ hasText: 'Retry' });
    // A notification stays for as long as the mouse is on it.
    await failure.hover();
    await workbench.screenshots('no-receiver');
    await bare.startReceiver();
    await failure.getByRole('button', { name: 'Retry' }).click();
    await workbench.result('Copied and verified: single.bin');
    assert.equal(await bare.sha256('/tmp/single.bin'), hashes.single);
  });

  it('copies to two domains in parallel, and to the same domain one after the other', async () => {
    await copyTo(guest, 'large.bin');
    await workbench.notification(/Copying large\.bin to .*\/s/).waitFor();
    await copyTo(guest, 'notes.txt');
    await workbench.notification(/Copying notes\.txt to .*waiting for earlier transfers/).waitFor();
    await bare.mustRun('mkdir /tmp/beside');
    await copyTo(bare, 'single.bin', '/tmp/beside/');
    await arrives(bare, '/tmp/beside/single.bin', hashes.single);
    await workbench.notification(/Copying large\.bin to .*\/s/).waitFor();
    assert.match((await workbench.statusItem('throughput').getAttribute('aria-label')) ?? '', /Copying to/);
    await workbench.screenshots('side-by-side');
    await cancel('large.bin');
    await workbench.notification(/verified.* notes\.txt/).waitFor({ timeout: SLOW_COPY_MS });
  });

  it('lists transfers in the Transfers view', async () => {
    await workbench.openGuestwire();
    const notes = workbench.treeRow('notes.txt').filter({ hasText: 'verified' }).first();
    await notes.waitFor();
    await workbench.treeRow('large.bin').filter({ hasText: 'cancelled' }).first().waitFor();
    await workbench.screenshots('transfers');
    await workbench.chooseFromMenu(notes, 'Copy SHA-256');
    const readClipboard = () => workbench.page.evaluate('navigator.clipboard.readText()');
    await pollUntil('the SHA-256 is in the clipboard', async () => (await readClipboard()) === hashes.notes);
    await notes.click();
    await workbench.page.locator('.view-line', { hasText: hashes.notes }).first().waitFor();
    await workbench.page.locator('.tab.active', { hasText: `notes.txt → ${guest.name}` }).waitFor();
    await workbench.screenshot('transfer-details');
    const cancelled = workbench.treeRow('large.bin').filter({ hasText: 'cancelled' });
    const count = await cancelled.count();
    await cancelled.first().click();
    await workbench.page.locator('.tab.active', { hasText: `large.bin → ${guest.name}` }).waitFor();
    await workbench.page.keyboard.press('Delete');
    await cancelled.nth(count - 1).waitFor({ state: 'detached' });
    await notes.click();
    await workbench.page.keyboard.press('Enter');
    await workbench.page.locator('.tab.active', { hasText: `notes.txt → ${guest.name}` }).waitFor();
    await workbench.runCommand('Guestwire: Clear Finished Transfers');
    await notes.waitFor({ state: 'detached' });
  });

  it('offers to resume a copy that a reload interrupted', async () => {
    await workbench.openExplorer();
    await copyTo(guest, 'large.bin');
    await workbench.notification(/Copying large\.bin to .*\/s/).waitFor();
    await workbench.reload();
    const offer = workbench.notification('was interrupted');
    await offer.hover();
    await workbench.screenshots('interrupted');
    await offer.getByRole('button', { name: 'Resume' }).click();
    await workbench.notification(/Copying large\.bin to .*\/s/).waitFor();
    await cancel('large.bin');
  });
});
