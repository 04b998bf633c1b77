// The serial console's terminal, and the ways to a receiver, in VS Code's window with a real guest.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { before, describe, it } from 'node:test';
import type { LibvirtConnection } from 'libvirt';
import type { Guest } from '../support/guest.ts';
import type { Libvirtd } from '../support/libvirtd.ts';
import { repositoryRoot } from '../support/paths.ts';
import { pollUntil } from '../support/polling.ts';
import type { Workbench } from '../support/vscodeWorkbench.ts';
import { tidyBetweenTests } from './betweenTests.ts';
import { WindowSetUp } from './windowSetUp.ts';

const channel = "<channel type='unix'><target type='virtio' name='org.guestwire.0'/></channel>";

describe('the serial console', () => {
  const setUp = new WindowSetUp();
  const { workspace } = setUp;
  const notes = workspace.add('notes.txt', 1000);
  let libvirtd: Libvirtd;
  let guest: Guest;
  let connection: LibvirtConnection;
  let workbench: Workbench;

  before(async () => {
    libvirtd = await setUp.libvirtd();
    connection = await setUp.connection();
    guest = await setUp.guest({ name: 'term', startReceiver: false });
    workbench = await setUp.window({ 'guestwire.connections': [libvirtd.uri] });
  });

  tidyBetweenTests(() => workbench);

  /** A button of the modal dialog that is open, which the tests' pictures show first. */
  async function press(button: string, picture: string): Promise<void> {
    await workbench.dialog.waitFor();
    await workbench.screenshot(picture);
    await workbench.press(button);
  }

  async function type(text: string): Promise<void> {
    await workbench.page.locator('.terminal-wrapper.active .xterm-screen').click();
    await workbench.page.keyboard.type(`${text}\n`);
  }

  async function chooseWay(label: string): Promise<void> {
    await workbench.runCommand('Guestwire: Install Guest Receiver…');
    await workbench.pick(guest.name);
    await workbench.quickInput.locator('.quick-input-title', { hasText: 'Install Receiver in' }).waitFor();
    await workbench.screenshot('install-ways');
    await workbench.pick(label);
  }

  it("a newcomer's first failure leads to a receiver in the guest, and on to the copy", async () => {
    await workbench.openExplorer();
    await workbench.chooseFromMenu(workbench.file('notes.txt'), 'Copy to Guest VM');
    await workbench.answer('Copy notes.txt to', '/tmp/');
    const failure = workbench.notification(`No receiver answered in domain "${guest.name}"`);
    await failure.waitFor();
    await workbench.screenshots('no-receiver');
    await failure.getByRole('button', { name: 'Install Receiver…' }).click();
    await workbench.quickInput.locator('.quick-input-title', { hasText: 'Install Receiver in' }).waitFor();
    const cd = workbench.quickInput.locator('.monaco-list-row', { hasText: 'Insert an Installer CD…' });
    await cd.filter({ hasText: 'For good' }).waitFor();
    await workbench.screenshots('install-ways-first');
    await workbench.pick('Send the Receiver Through the Console…');
    // Nobody has a console open yet: it opens, and the installation goes on at the prompt.
    await workbench.terminalText('Connected to serial0').waitFor();
    await workbench.notification('Log in on the console').waitFor();
    await type('');
    await press('Send and Start', 'install-send');
    await workbench.notification('Copied and verified: notes.txt').waitFor();
    await workbench.screenshots('install-answers');
    assert.equal(await guest.sha256('/tmp/notes.txt'), notes);
    const receiver = fs.readFileSync(path.join(repositoryRoot, 'dist/guest/receiver.py'));
    const name = 'guestwire-receiver.py';
    const file = (await guest.mustRun(`ls /${name} /root/${name} 2> /dev/null || true`)).trim();
    assert.equal(await guest.sha256(file), createHash('sha256').update(receiver).digest('hex'));
  });

  it("a command typed in the console's terminal runs in the guest", async () => {
    await workbench.runCommand('Terminal: Kill the Active Terminal Instance');
    await workbench.runCommand('Guestwire: Open Serial Console');
    await workbench.pick(guest.name);
    await workbench.terminalText('Connected to serial0').waitFor();
    await type('');
    await type('uname -a');
    await workbench.terminalText(/Linux guestwire-test-term.*GNU\/Linux/).waitFor();
    await workbench.screenshots('console');
    await workbench.runCommand('Guestwire: Set Guest Terminal Size');
    await workbench
      .terminalText(/stty rows \d+ cols \d+/)
      .last()
      .waitFor();
    const size = async () => (await guest.mustRun('stty size < /dev/ttyS0')).trim();
    await pollUntil('the guest knows the size', async () => /^[1-9]\d* [1-9]\d*$/.test(await size()));
  });

  it('a console in use by another client is refused, and can be opened later', async () => {
    await workbench.runCommand('Terminal: Kill the Active Terminal Instance');
    const domain = await connection.lookupByName(guest.name);
    const holder = await connection.openConsole(domain, 'serial0');
    await workbench.runCommand('Guestwire: Open Serial Console');
    await workbench.pick(guest.name);
    await press('Cancel', 'console-busy');
    await workbench.terminalText('is in use by another client').waitFor();
    holder.destroy();
    await type('');
    await workbench.terminalText('Connected to serial0').waitFor();
  });

  it('the channel is added after a dialog shows what that changes', async () => {
    const domain = await connection.lookupByName(guest.name);
    await connection.detachDevice(domain, channel, { live: false, config: true });
    const stored = async () =>
      (await connection.domainXml(domain, { inactive: true })).includes('org.guestwire.0');
    assert.equal(await stored(), false);
    await chooseWay('Add the Channel org.guestwire.0…');
    await press('Add for the Next Start', 'install-channel-stored');
    await workbench.notification('the next time').waitFor();
    assert.equal(await stored(), true);
    await connection.detachDevice(domain, channel, { live: false, config: true });
    await guest.run('kill $(pidof python3)');
    const elements = (await connection.domainXml(domain)).match(/<channel\s[\s\S]*?<\/channel>/g) ?? [];
    const live = elements.find(element => element.includes('org.guestwire.0')) ?? '';
    await connection.detachDevice(domain, live, { live: true, config: false });
    const inGuest = async () => (await connection.domainXml(domain)).includes('org.guestwire.0');
    await pollUntil('the channel is gone from the guest', async () => !(await inGuest()));
    await chooseWay('Add the Channel org.guestwire.0…');
    await press('Add Now', 'install-channel');
    await workbench.notification('now has the channel org.guestwire.0').waitFor();
    assert.equal(await inGuest(), true);
    assert.equal(await stored(), true);
  });

  it('the terminal says that the domain was stopped', async () => {
    await guest.forceOff();
    await workbench.terminalText('the domain was stopped. Press Enter to connect again').waitFor();
    await workbench.screenshot('console-stopped');
  });

  it('"Show the Steps" opens the walkthrough at the receiver\'s step', async () => {
    await chooseWay('Show the Steps');
    await workbench.page
      .locator('.gettingStartedContainer', { hasText: 'Get started with Guestwire' })
      .waitFor();
    await workbench.runCommand('View: Toggle Panel Visibility');
    // Beside a side bar there is no room for the picture.
    await workbench.runCommand('View: Toggle Primary Side Bar Visibility');
    await workbench.page.locator('.getting-started-step.expanded', { hasText: 'receiver.py' }).waitFor();
    await workbench.screenshots('walkthrough');
  });
});
