// Makes the README's pictures (media/docs) from the running product: the packaged extension in VS Code's window, real
// guests at the other end. Run by hand, and look at them: `node_modules/.bin/node test/support/captureMedia.ts [NAME…]`.
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { Animation, ensureFfmpeg, writePng } from './animation.ts';
import { describeDomain } from './domainXml.ts';
import { bootGuest, type Guest } from './guest.ts';
import {
  ensureSystemLibvirtd,
  type Libvirtd,
  startPrivateLibvirtd,
  systemLibvirtdAnswers,
} from './libvirtd.ts';
import { repositoryRoot } from './paths.ts';
import { run } from './processes.ts';
import { makeRunDirectory, recordDomain, removeRunDirectory } from './runDirectory.ts';
import { type SampleWorkspace, writeSampleWorkspace } from './sampleWorkspace.ts';
import { openWorkbench, type Workbench } from './vscodeWorkbench.ts';

const out = path.join(repositoryRoot, 'media/docs');
/** A README is some 800 to 900 pixels wide: what is larger is made smaller there, and hard to read. */
const size = { width: 900, height: 560 };
const SIDE_BAR_WIDTH = 430;

interface Scene {
  workbench: Workbench;
  sample: SampleWorkspace;
  guest: Guest;
  directory: string;
}

/** In this order, for one leaves in the guest what the next needs. */
const pictures: Record<string, (scene: Scene) => Promise<void>> = {
  copy,
  conflict,
  domains,
  console: serialConsole,
};

const { positionals: asked } = parseArgs({ allowPositionals: true });
for (const name of asked) if (!(name in pictures)) throw new Error(`there is no picture "${name}"`);
ensureFfmpeg();
await withScene(async scene => {
  for (const [name, make] of Object.entries(pictures)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    process.stdout.write(`${name}\n`);
    try {
      await make(scene);
    } catch (error) {
      await scene.workbench.screenshot(`failed ${name}`);
      throw error;
    }
    await scene.workbench.tidyUp();
  }
});

/** Right-click, choose, watch, verified. */
async function copy({ workbench, guest, directory }: Scene): Promise<void> {
  const { page, quickInput } = workbench;
  const animation = await Animation.start(page, path.join(directory, 'frames'));
  const click = async (target: ReturnType<typeof page.locator>): Promise<void> => {
    await animation.moveTo(target);
    await animation.hold(350);
    await target.click();
  };
  await animation.hold(900);
  const file = workbench.file('disk.img');
  await animation.moveTo(file);
  await file.click({ button: 'right' });
  const entry = page.getByRole('menuitem', { name: 'Copy to Guest VM', exact: true });
  await entry.waitFor();
  await animation.hold(600);
  await click(entry);
  const domain = quickInput.locator('.monaco-list-row', { hasText: guest.name });
  await domain.waitFor();
  // The list fades in.
  await page.waitForTimeout(400);
  await animation.hold(900);
  await click(domain);
  await workbench.asked(`Copy disk.img to ${guest.name}`);
  await animation.hold(1400);
  await page.keyboard.press('Enter');
  await workbench.notification(/Copying disk\.img.*\/s/).waitFor();
  await animation.follow(workbench.notification('Copied and verified: disk.img').waitFor());
  await page.waitForTimeout(500);
  await animation.hold(3000);
  await animation.removePointer();
  await animation.write(path.join(out, 'copy.gif'));
}

/** A file that was changed on both sides since it was copied. */
async function conflict({ workbench, sample, guest }: Scene): Promise<void> {
  const { page } = workbench;
  const start = async (): Promise<void> => {
    await workbench.chooseFromMenu(workbench.file('website'), 'Copy to Guest VM');
    await workbench.pick(guest.name);
    await workbench.asked(`Copy website to ${guest.name}`);
    await page.keyboard.press('Enter');
  };
  await start();
  await workbench.result('Copied and verified: 3 files');
  await workbench.tidyUp();
  fs.appendFileSync(path.join(sample.folder, 'website/style.css'), '\nh1 {\n  color: teal;\n}\n');
  await start();
  await workbench.asked('exists in');
  await still(workbench, 'conflict', 320);
  await workbench.pick('Overwrite');
  await workbench.notification('Copied and verified').waitFor();
}

/** Domains with their links, transfers, one of them running. */
async function domains({ workbench, guest }: Scene): Promise<void> {
  const { page } = workbench;
  await workbench.chooseFromMenu(workbench.file('guestwire-sources.txt'), 'Copy to Guest VM');
  await workbench.pick(guest.name);
  await workbench.asked(`Copy guestwire-sources.txt to ${guest.name}`);
  await page.keyboard.press('Enter');
  await workbench.result('Copied and verified: guestwire-sources.txt');
  await workbench.tidyUp();
  await workbench.chooseFromMenu(workbench.file('disk.img'), 'Copy to Guest VM');
  await workbench.pick(guest.name);
  await workbench.answer(`Copy disk.img to ${guest.name}`, '/tmp/second.img');
  await workbench.openGuestwire();
  const row = workbench.domainRow(guest.name);
  await row.waitFor();
  if ((await row.getAttribute('aria-expanded')) !== 'true') await row.click();
  await workbench.treeRow('Links').click();
  await workbench.treeRow('serial1').waitFor();
  await widenSideBar(page);
  await workbench.notification(/Copying disk\.img.*[3-8]\d%/).waitFor();
  await still(workbench, 'domains');
  await workbench.notification('Copied and verified: disk.img').waitFor();
}

/** So that nothing in it is cut off. Takes the pointer out of it, too. */
async function widenSideBar(page: Page): Promise<void> {
  const { height } = size;
  const sash = await page.locator('.sidebar').boundingBox();
  await page.mouse.move((sash?.x ?? 0) + (sash?.width ?? 0), height / 2);
  await page.mouse.down();
  await page.mouse.move(SIDE_BAR_WIDTH, height / 2, { steps: 5 });
  await page.mouse.up();
  await page.mouse.move(size.width / 2 + SIDE_BAR_WIDTH / 2, height / 2);
}

async function serialConsole({ workbench, guest }: Scene): Promise<void> {
  const { page } = workbench;
  // Room for long lines.
  await workbench.runCommand('View: Toggle Primary Side Bar Visibility');
  await workbench.runCommand('Guestwire: Open Serial Console');
  await workbench.pick(guest.name);
  await workbench.terminalText('Connected to serial0').waitFor();
  await page.locator('.terminal-wrapper.active .xterm-screen').click();
  for (const line of ['', 'uname -sr', 'ls -l /website', 'sha256sum /disk.img']) {
    await page.keyboard.type(`${line}\n`);
    // What is typed before the shell has its prompt, and has heard where the cursor is, is shown in a muddle.
    await page.waitForTimeout(1500);
    await workbench.terminalText(/\/ #\s*$/).waitFor();
    await page.waitForTimeout(1500);
  }
  await workbench.terminalText(/[0-9a-f]{64}/).waitFor();
  await still(workbench, 'console');
}

/** Twice as fine as the window, for screens that are: Playwright would need a finer window for that. */
async function still({ page }: Workbench, name: string, height = size.height): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const clip = { x: 0, y: 0, width: size.width, height, scale: 2 };
  const { data } = await session.send('Page.captureScreenshot', { format: 'png', clip });
  await session.detach();
  await writePng(Buffer.from(data, 'base64'), path.join(out, `${name}.png`));
}

async function withScene(use: (scene: Scene) => Promise<void>): Promise<void> {
  const libvirtd = await findLibvirtd();
  const directory = makeRunDirectory();
  const guests: Guest[] = [];
  let workbench: Workbench | undefined;
  try {
    for (const domainName of ['web-server', 'build-agent'])
      guests.push(await bootGuest({ uri: libvirtd.uri, domainName, memoryMb: 512 }));
    await defineShutOff(libvirtd.uri, 'database', directory);
    const sample = writeSampleWorkspace(directory);
    const settings = {
      'guestwire.connections': [libvirtd.uri],
      'workbench.layoutControl.enabled': false,
      'terminal.integrated.fontSize': 12,
    };
    workbench = await openWorkbench({ workspace: sample.folder, settings, size });
    // It begins some time after the window is there.
    await workbench.page.waitForTimeout(3000);
    await workbench.page.locator('.statusbar-item', { hasText: 'Activating' }).waitFor({ state: 'hidden' });
    fs.mkdirSync(out, { recursive: true });
    await use({ workbench, sample, guest: guests[0] as Guest, directory });
  } finally {
    await workbench?.close();
    for (const guest of guests) await guest.destroy();
    await removeRunDirectory(directory);
    await libvirtd.stop();
  }
}

/** `qemu:///system` is what most people have, but one that runs already has domains of theirs to show. */
async function findLibvirtd(): Promise<Libvirtd> {
  const system = (await systemLibvirtdAnswers()) ? undefined : await ensureSystemLibvirtd();
  return system ?? startPrivateLibvirtd();
}

/** A domain that is never started. */
async function defineShutOff(uri: string, name: string, directory: string): Promise<void> {
  const file = path.join(directory, `${name}.xml`);
  const none = path.join(directory, 'none');
  const description = { name, memoryMb: 384, processors: 1, kernel: none, initramfs: none, testSocket: none };
  fs.writeFileSync(file, describeDomain(description));
  recordDomain(directory, uri, name);
  await run('virsh', ['-q', '-c', uri, 'define', file]);
}
