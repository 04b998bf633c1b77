// The tree of domains in VS Code's window: what it says when there is nothing to show, how it follows a real libvirtd and
// its guests, and what can be done from it.
import assert from 'node:assert/strict';
import path from 'node:path';
import { before, describe, it } from 'node:test';
import type { Guest } from '../support/guest.ts';
import type { PrivateLibvirtd } from '../support/libvirtd.ts';
import { run } from '../support/processes.ts';
import type { Workbench } from '../support/vscodeWorkbench.ts';
import { tidyBetweenTests } from './betweenTests.ts';
import { startRefusingDaemon } from './refusingDaemon.ts';
import { WindowSetUp } from './windowSetUp.ts';

/** Runs its BIOS and nothing else, which is enough to be started and stopped. */
const smallDomain = `<domain type="qemu">
  <name>guestwire-test-small</name>
  <metadata>
    <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">
      <libosinfo:os id="http://debian.org/debian/12"/>
    </libosinfo:libosinfo>
  </metadata>
  <memory unit="MiB">16</memory>
  <os><type arch="x86_64" machine="pc">hvm</type></os>
  <devices>
    <controller type="usb" model="none"/>
    <memballoon model="none"/>
    <serial type="pty"/>
  </devices>
</domain>`;
const small = 'guestwire-test-small';

describe('the Domains view', () => {
  const setUp = new WindowSetUp();
  const { workspace } = setUp;
  const notes = workspace.add('notes.txt', 20_000);
  const notesFolder = workspace.add('folder/inner.txt', 3_000);
  let libvirtd: PrivateLibvirtd;
  let guest: Guest;
  let workbench: Workbench;

  before(async () => {
    libvirtd = await setUp.privateLibvirtd();
    workbench = await setUp.window({ 'guestwire.connections': [libvirtd.uri] });
    await workbench.openGuestwire();
  });

  tidyBetweenTests(() => workbench);

  /** From outside, as a person at a shell. */
  function virsh(...args: string[]): Promise<string> {
    return run('virsh', ['-q', '-c', libvirtd.uri, ...args], { timeoutMs: 60_000 });
  }

  async function showsConnection(uri: string | undefined, welcome: RegExp): Promise<void> {
    const shown = workbench.page.locator('.sidebar .welcome-view', { hasText: welcome });
    await workbench.setUntil('guestwire.connections', uri === undefined ? [] : [uri], shown);
  }

  async function isDescribed(name: string, words: string | RegExp): Promise<void> {
    await workbench.treeRow(name).filter({ hasText: words }).waitFor();
  }

  it('the welcome text says what is missing and what to do', async () => {
    await workbench.page.locator('.welcome-view', { hasText: 'no virtual machines yet' }).waitFor();
    await workbench.screenshots('welcome-no-domain');
    const folder = path.dirname(libvirtd.socketPath);
    await showsConnection(`qemu:///session?socket=${folder}/none`, /libvirt isn't responding/);
    await workbench.screenshots('welcome-no-socket');
    const refusing = await startRefusingDaemon(path.join(workspace.folder, 'sock'));
    await showsConnection(
      `qemu:///session?socket=${workspace.folder}/sock`,
      /don't have permission to use libvirt/,
    );
    await workbench.screenshots('welcome-denied');
    refusing.close();
    await showsConnection(undefined, /No libvirt connection is configured/);
    await workbench.screenshots('welcome-no-connection');
    await showsConnection(libvirtd.uri, /no virtual machines yet/);
  });

  it('the Domains view follows what virsh does outside', async () => {
    const definition = path.join(workspace.folder, 'small.xml');
    workspace.addContent('small.xml', smallDomain);
    await virsh('define', definition);
    await isDescribed(small, 'shut off · Debian 12');
    await virsh('start', small);
    await isDescribed(small, 'running · Debian 12 · receiver unknown');
    await virsh('suspend', small);
    await isDescribed(small, 'paused · Debian 12');
    await workbench.screenshot('tree-paused');
    await virsh('resume', small);
    await isDescribed(small, 'running');
    await virsh('destroy', small);
    await isDescribed(small, 'shut off');
  });

  it('a domain is paused and resumed, and shutting down shows until it is off', async () => {
    const row = workbench.treeRow(small);
    await virsh('start', small);
    await isDescribed(small, 'running');
    await workbench.chooseFromMenu(row, 'Pause');
    await isDescribed(small, 'paused');
    await workbench.runCommand('Guestwire: Resume');
    await workbench.asked('Resume a Domain');
    await workbench.screenshots('resume-which');
    await workbench.pick(small);
    await isDescribed(small, 'running');
    await workbench.runCommand('Guestwire: Resume');
    await workbench.notification('Resume a Domain: no domain is in a state that allows this.').waitFor();
    await workbench.chooseFromMenu(row, 'Reboot');
    await workbench.notification(`"${small}" was asked to reboot.`).waitFor();
    await workbench.chooseFromMenu(row, 'Shut Down');
    const progress = workbench.notification(`Shutting down "${small}"`);
    await progress.waitFor();
    await workbench.screenshots('shutting-down');
    // Its firmware ignores the power button.
    await virsh('destroy', small);
    await progress.waitFor({ state: 'detached' });
    await isDescribed(small, 'shut off');
  });

  it('a domain is started from its line, and forced off after asking', async () => {
    const row = workbench.treeRow(small);
    await row.hover();
    await row.getByRole('button', { name: 'Start', exact: true }).click();
    await isDescribed(small, 'running');
    await workbench.chooseFromMenu(row, 'Force Off');
    const dialog = workbench.page.locator('.monaco-dialog-box', { hasText: `Force off "${small}"?` });
    await dialog.waitFor();
    await workbench.screenshots('force-off');
    await dialog.getByRole('button', { name: 'Force Off', exact: true }).click();
    await isDescribed(small, 'shut off');
    await virsh('undefine', small);
    await row.waitFor({ state: 'detached' });
  });

  it('a guest is shown with its links, and whether its receiver runs', async () => {
    guest = await setUp.guest({ name: 'tree' });
    await isDescribed(guest.name, 'running · receiver ready');
    await workbench.treeRow(guest.name).click();
    await workbench.treeRow('Links').click();
    await workbench.treeRow('virtio channel org.guestwire.0').waitFor();
    await workbench.treeRow('isa-serial port serial1').waitFor();
    await workbench.screenshots('tree');
    await guest.killReceiver();
    await isDescribed(guest.name, 'running · receiver unknown');
    await workbench.treeRow('virtio channel').filter({ hasText: 'no program in the guest' }).waitFor();
    await guest.startReceiver();
    await isDescribed(guest.name, 'running · receiver ready');
  });

  it('the search of the view filters its domains', async () => {
    await virsh('define', path.join(workspace.folder, 'small.xml'));
    await isDescribed(small, 'shut off');
    const rows = workbench.page.locator('.sidebar .monaco-list-row', { hasText: 'guestwire-test-' });
    // The running one comes first, though its name doesn't.
    assert.match((await rows.first().textContent()) ?? '', new RegExp(guest.name));
    await workbench.runCommand('Guestwire: Find Domain…');
    const find = workbench.page.locator('.sidebar .monaco-tree-type-filter');
    await find.locator('input').fill('small');
    await find.locator('.codicon-list-filter').click();
    await workbench.treeRow(guest.name).waitFor({ state: 'detached' });
    await workbench.treeRow(small).waitFor();
    await workbench.screenshots('tree-filtered');
    await find.locator('input').press('Escape');
    await workbench.treeRow(guest.name).waitFor();
    await virsh('undefine', small);
  });

  it('files dragged from the Explorer onto a domain are copied there', async () => {
    await workbench.openExplorer();
    await workbench.select('folder', 'notes.txt');
    await workbench.dragToGuestwire(workbench.file('notes.txt'), workbench.treeRow(guest.name));
    await workbench.answer('Copy 2 files and folders to', '/tmp/');
    await workbench.result('Copied and verified: 2 files');
    assert.equal(await guest.sha256('/tmp/notes.txt'), notes);
    assert.equal(await guest.sha256('/tmp/folder/inner.txt'), notesFolder);
  });

  it('a lost connection is reported and comes back by itself', async () => {
    await workbench.openGuestwire();
    await libvirtd.stopLibvirtd('SIGKILL');
    await isDescribed('qemu:///session', 'connection lost, reconnecting');
    await isDescribed(guest.name, 'last seen running');
    await workbench.page.getByText('was lost').waitFor();
    await workbench.screenshots('connection-lost');
    await libvirtd.startLibvirtd();
    await isDescribed('qemu:///session', '1 domain');
    await isDescribed(guest.name, /running.* receiver ready/);
    await workbench.page.getByText('was lost').waitFor({ state: 'hidden' });
  });
});
