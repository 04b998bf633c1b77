// One copy into two real guests at once, from choosing them to what is said of each.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Guest } from '../support/guest.ts';
import type { Libvirtd } from '../support/libvirtd.ts';
import type { Workbench } from '../support/vscodeWorkbench.ts';
import { tidyBetweenTests } from './betweenTests.ts';
import { WindowSetUp } from './windowSetUp.ts';

/** Many windows of a serial port. */
const NOTES_BYTES = 1_000_000;
/** The same where other work has the processors. */
const SLOW_COPY_MS = 240_000;

describe('copying into several guests', () => {
  const setUp = new WindowSetUp();
  const { workspace } = setUp;
  const notes = workspace.add('notes.txt', NOTES_BYTES);
  const single = workspace.add('single.bin', 10_000);
  workspace.add('large.bin', 50_000_000);
  let guests: Guest[];
  let libvirtd: Libvirtd;
  let workbench: Workbench;

  before(async () => {
    libvirtd = await setUp.libvirtd();
    const options = { memoryMb: 256, receiverPorts: ['/dev/ttyS1'] };
    guests = await setUp.guests({ name: 'one', ...options }, { name: 'two', ...options });
    workbench = await setUp.window({ 'guestwire.connections': [libvirtd.uri] });
  });

  tidyBetweenTests(() => workbench);

  async function chooseBoth(file: string): Promise<void> {
    await workbench.chooseFromMenu(workbench.file(file), 'Copy to Guest VM');
    await workbench.quickInput.locator('.monaco-list-row', { hasText: 'Several Guests…' }).waitFor();
    await workbench.screenshots('several-guests-pick');
    await workbench.pick('Several Guests…');
    await workbench.quickInput.getByRole('button', { name: 'OK' }).waitFor();
    for (const { name } of guests) await workbench.pick(name);
    await workbench.screenshots('several-guests-checked');
    await workbench.quickInput.getByRole('button', { name: 'OK' }).click();
  }

  async function haveBoth(file: string, sha256: string): Promise<void> {
    for (const guest of guests) assert.equal(await guest.sha256(file), sha256, guest.name);
  }

  it('copies into two guests with one progress and one result, and the same SHA-256 in both', async () => {
    await chooseBoth('notes.txt');
    await workbench.asked('Copy notes.txt to');
    await workbench.screenshots('several-guests-destination');
    const paced = await Promise.all(guests.map(guest => guest.paceReceiver()));
    await workbench.answer('Copy notes.txt to', '/tmp/');
    const progress = workbench.notification('Copying notes.txt to');
    await progress.filter({ hasText: /\d+% · .*\/s · .*0 of 2 guests done/ }).waitFor();
    assert.equal(await progress.count(), 1);
    await workbench.screenshots('several-guests-progress');
    await Promise.all(paced.map(letRun => letRun()));
    const result = workbench.notification('Copied and verified: notes.txt');
    await result.waitFor({ timeout: SLOW_COPY_MS });
    assert.equal(await result.count(), 1);
    await workbench.screenshots('several-guests-verified');
    await haveBoth('/tmp/notes.txt', notes);
  });

  it('asks about an existing file in each guest, unless one answer is for all', async () => {
    for (const guest of guests) await guest.mustRun('echo other > /tmp/single.bin');
    await chooseBoth('single.bin');
    await workbench.answer('Copy single.bin to', '/tmp/');
    await workbench.asked('exists in "guestwire-test-');
    await workbench.notification('waiting for your answer about single.bin in').waitFor();
    await workbench.screenshots('several-guests-conflict');
    await workbench.pick('Overwrite All');
    await workbench.notification('Copied and verified: single.bin').waitFor();
    await haveBoth('/tmp/single.bin', single);
  });

  it('cancels the copy in both guests from its notification', async () => {
    await chooseBoth('large.bin');
    await workbench.answer('Copy large.bin to', '/tmp/');
    const progress = workbench.notification(/Copying large\.bin to .*\/s/);
    await progress.hover();
    await progress.getByRole('button', { name: 'Cancel' }).first().click();
    await progress.waitFor({ state: 'hidden' });
    for (const guest of guests) assert.notEqual((await guest.run('test -e /tmp/large.bin')).status, 0);
  });

  it('copies files dropped on selected domains, says which guest failed and why, and retries only there', async () => {
    const [one, two] = guests as [Guest, Guest];
    for (const guest of guests) await guest.mustRun('mkdir /tmp/dropped');
    await two.killReceiver();
    await workbench.openGuestwire();
    await workbench.domainRow(one.name).click();
    await workbench.domainRow(two.name).click({ modifiers: ['Control'] });
    await workbench.domainRow(two.name).click({ button: 'right' });
    await workbench.page.getByRole('menuitem', { name: 'Copy Files Here…' }).waitFor();
    await workbench.screenshots('several-guests-menu');
    assert.equal(await workbench.page.getByRole('menuitem', { name: 'Force Off' }).count(), 0);
    await workbench.page.keyboard.press('Escape');
    await workbench.openExplorer();
    await workbench.dragToGuestwire(workbench.file('single.bin'), workbench.domainRow(one.name));
    await workbench.answer('Copy single.bin to', '/tmp/dropped/');
    const failure = workbench.notification('single.bin was copied to 1 of 2 guests');
    await failure.hover({ timeout: SLOW_COPY_MS });
    await workbench.screenshots('several-guests-failed');
    await failure.filter({ hasText: `${two.name}: No receiver answered` }).waitFor();
    await two.startReceiver();
    await failure.getByRole('button', { name: 'Retry' }).click();
    await workbench.result('Copied and verified: single.bin');
    await haveBoth('/tmp/dropped/single.bin', single);
  });
});
