// VS Code's window with the packaged extension installed, as a person has it, driven through a headless Chromium.
//
//   const workbench = await openWorkbench({ workspace, settings: { 'guestwire.connections': [uri] } });
//   await workbench.chooseFromMenu(workbench.file('notes.txt'), 'Copy to Guest VM');
//   await workbench.result('Copied and verified');
//   await workbench.close();                                  // in `after`, always
//
// Everything is found by what people see (texts, labels) as far as it goes, else by VS Code's own class names.
import fs from 'node:fs';
import path from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { isLong } from './isLong.ts';
import { cacheRoot } from './paths.ts';
import { makeRunDirectory, removeRunDirectory } from './runDirectory.ts';
import {
  installExtension,
  launchBrowser,
  startVscodeServer,
  type VscodeServer,
  workbenchUrl,
  writeSettings,
} from './vscodeServer.ts';
import { ensureVsix } from './vsix.ts';

/** Generous: the guests, the server and the browser share two processors with whatever else the machine does. */
const WAIT_MS = 120_000;
/** How long one attempt of something that is tried again may take. */
const ATTEMPT_MS = 3_000;

const screenshotFolder = path.join(cacheRoot, 'screenshots');

/** By the class VS Code's workbench then has. */
const themes = {
  dark: { name: 'Dark Modern', class: 'vs-dark' },
  light: { name: 'Light Modern', class: 'vs' },
  contrast: { name: 'Default High Contrast', class: 'hc-black' },
} as const;
type Theme = keyof typeof themes;

const uiSettings = {
  'explorer.confirmDelete': false,
  // Rows of text instead of a picture, which couldn't be read.
  'terminal.integrated.gpuAcceleration': 'off',
};

export interface WorkbenchOptions {
  workspace: string;
  settings: Record<string, unknown>;
  size?: { width: number; height: number };
}

export async function openWorkbench(options: WorkbenchOptions): Promise<Workbench> {
  const directory = makeRunDirectory();
  const userDirectory = path.join(directory, 'user');
  const extensionsDirectory = path.join(directory, 'extensions');
  let server: VscodeServer | undefined;
  let browser: Browser | undefined;
  const close = async (): Promise<void> => {
    await browser?.close();
    await server?.stop();
    await removeRunDirectory(directory);
  };
  try {
    const settings = { ...uiSettings, ...options.settings };
    writeSettings(userDirectory, { ...settings, 'workbench.colorTheme': themes.dark.name });
    await installExtension(await ensureVsix(), { userDirectory, extensionsDirectory });
    server = await startVscodeServer({ userDirectory, extensionsDirectory, runDirectory: directory });
    browser = await launchBrowser();
    const context = await browser.newContext({
      viewport: options.size ?? { width: 1280, height: 800 },
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    context.setDefaultTimeout(WAIT_MS);
    const page = await context.newPage();
    await page.goto(workbenchUrl(server, options.workspace, []));
    const workbench = new Workbench(page, { userDirectory, settings, close });
    await workbench.ready();
    return workbench;
  } catch (error) {
    await close();
    throw error;
  }
}

interface WorkbenchParts {
  userDirectory: string;
  settings: Record<string, unknown>;
  close: () => Promise<void>;
}

export class Workbench {
  readonly page: Page;
  /** Closes window, browser and server, and removes what they left. Safe to call twice. */
  readonly close: () => Promise<void>;
  readonly #userDirectory: string;
  #settings: Record<string, unknown>;

  constructor(page: Page, { userDirectory, settings, close }: WorkbenchParts) {
    this.page = page;
    this.close = close;
    this.#userDirectory = userDirectory;
    this.#settings = settings;
  }

  async ready(): Promise<void> {
    await this.page.locator('.monaco-workbench .part.statusbar').waitFor();
    await this.page.locator('.explorer-folders-view .monaco-list-row').first().waitFor();
    // What the extension adds to menus comes later than the menus.
    await this.#guestwireTab.waitFor();
  }

  get #guestwireTab(): Locator {
    const label = this.page.locator('a.action-label[aria-label^="Guestwire"]');
    return this.page.locator('.activitybar [role=tab]', { has: label });
  }

  /** The same window again, as after "Reload Window". */
  async reload(): Promise<void> {
    await this.page.reload();
    await this.ready();
  }

  /** A file or folder in the Explorer. */
  file(name: string): Locator {
    return this.page.locator(`.explorer-folders-view .monaco-list-row[aria-label="${name}"]`);
  }

  /** Selects several files and folders in the Explorer, and nothing else. */
  async select(...names: string[]): Promise<void> {
    const selected = this.page.locator('.explorer-folders-view .monaco-list-row.selected');
    // A folder that opens at a click moves the rows below it, and the next click may then be lost.
    await retry(async () => {
      for (const [index, name] of names.entries())
        await this.file(name).click(index === 0 ? {} : { modifiers: ['Control'] });
      for (const name of names) await selected.and(this.file(name)).waitFor({ timeout: ATTEMPT_MS });
      if ((await selected.count()) !== names.length) throw new Error('more is selected than was clicked');
    });
  }

  async chooseFromMenu(target: Locator, item: string): Promise<void> {
    await target.click({ button: 'right' });
    await this.chooseInOpenMenu(item);
  }

  /** VS Code ignores a click within some 100 ms of the menu's opening, so click until the menu is gone. */
  async chooseInOpenMenu(item: string): Promise<void> {
    const menu = this.page.locator('.monaco-menu-container');
    await menu.waitFor();
    const entry = menu.getByRole('menuitem', { name: item, exact: true });
    await retry(async () => {
      if (await menu.isVisible()) await entry.click({ timeout: ATTEMPT_MS });
      await menu.waitFor({ state: 'hidden', timeout: ATTEMPT_MS });
    });
  }

  /** Command palette, pick list or input box: whichever is open. */
  get quickInput(): Locator {
    return this.page.locator('.quick-input-widget:visible');
  }

  /** By its label in the palette, such as `Guestwire: Refresh`. */
  async runCommand(label: string): Promise<void> {
    // The palette closes when something else takes the focus, as a late layout does: then open it again.
    await retry(async () => {
      await this.page.keyboard.press('F1');
      const input = this.quickInput.locator('input.input');
      await input.fill(`>${label}`, { timeout: ATTEMPT_MS });
      await this.#quickRow(label).first().click({ timeout: ATTEMPT_MS });
    });
  }

  /** An entry of the pick list that is open, or opens soon. */
  async pick(label: string): Promise<void> {
    await this.#quickRow(label).first().click();
  }

  /** Answers the input box with this title, or part of it. */
  async answer(title: string, text: string): Promise<void> {
    // The pick list before it may have the same words in its title, and is not gone at once.
    const box = this.quickInput
      .filter({ has: this.#quickTitle(title) })
      .filter({ hasText: "Press 'Enter' to confirm" });
    const input = box.locator('input.input');
    await input.waitFor();
    // Enter doesn't count while the extension still looks at what was typed before.
    await retry(async () => {
      if (await box.isVisible()) {
        await input.fill(text, { timeout: ATTEMPT_MS });
        await input.press('Enter', { timeout: ATTEMPT_MS });
      }
      await box.waitFor({ state: 'hidden', timeout: ATTEMPT_MS });
    });
  }

  /** Waits for the pick list or input box with this title, or part of it. */
  async asked(title: string): Promise<void> {
    await this.quickInput.filter({ has: this.#quickTitle(title) }).waitFor();
  }

  #quickTitle(title: string): Locator {
    return this.page.locator('.quick-input-title', { hasText: title });
  }

  #quickRow(label: string): Locator {
    const name = this.page.locator('.label-name', { hasText: exactly(label) });
    return this.quickInput.locator('.monaco-list-row').filter({ has: name });
  }

  /** The modal dialog that is open, or opens soon. */
  get dialog(): Locator {
    return this.page.locator('.monaco-dialog-box');
  }

  /** A button of the modal dialog. */
  async press(button: string): Promise<void> {
    await this.dialog.getByRole('button', { name: button, exact: true }).click();
    await this.dialog.waitFor({ state: 'hidden' });
  }

  /** A notification that pops up in the corner, by part of its text. */
  notification(text: string | RegExp): Locator {
    return this.page.locator('.notifications-toasts .notification-list-item', { hasText: text });
  }

  /** Closes menus, pick lists and notifications: what a failed test may have left, and what hides other things. */
  async tidyUp(): Promise<void> {
    const open = this.page.locator('.monaco-menu-container:visible, .quick-input-widget:visible');
    await retry(async () => {
      if ((await open.count()) === 0) return;
      await this.page.keyboard.press('Escape');
      throw new Error('a menu or pick list stays open');
    });
    await this.runCommand('Notifications: Clear All Notifications');
    await this.page
      .locator('.notifications-toasts .notification-list-item')
      .first()
      .waitFor({ state: 'hidden' });
  }

  /** Of the extension's items in the status bar, the one with this id. */
  statusItem(id: string): Locator {
    return this.page.locator(`.statusbar-item[id="guestwire.guestwire.${id}"]`);
  }

  /** Waits for the last transfer's result: that of a quick one shows in the status bar only. */
  async result(text: string): Promise<void> {
    await this.statusItem('throughput')
      .and(this.page.locator(`[aria-label*="${text}"]`))
      .waitFor();
  }

  /** Opens the side bar's Guestwire container, whose views then load. */
  async openGuestwire(): Promise<void> {
    const tab = this.#guestwireTab;
    if ((await tab.getAttribute('aria-expanded')) !== 'true') await tab.locator('a').click();
    await this.page.locator('.sidebar .pane-header[aria-label^="Domains"]').waitFor();
  }

  /** Drags by hand, as a person has to: across the activity bar, which then opens the views that hold the target. */
  async dragToGuestwire(source: Locator, target: Locator): Promise<void> {
    const { mouse } = this.page;
    await source.hover();
    await mouse.down();
    await retry(async () => {
      await this.#moveOver(this.#guestwireTab);
      await target.waitFor({ timeout: ATTEMPT_MS });
    });
    await this.#moveOver(target);
    await mouse.up();
  }

  /** In two steps: only a mouse that moves drags. */
  async #moveOver(target: Locator): Promise<void> {
    const box = await target.boundingBox();
    if (!box) throw new Error('what something should be dragged over is not to be seen');
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await this.page.mouse.move(x - 5, y - 2, { steps: 5 });
    await this.page.mouse.move(x, y);
  }

  async openExplorer(): Promise<void> {
    await this.runCommand('View: Show Explorer');
    await this.page.locator('.explorer-folders-view .monaco-list-row').first().waitFor();
  }

  /** A row of the extension's views, by its label or part of its text. */
  treeRow(text: string | RegExp): Locator {
    return this.page.locator('.sidebar .customview-tree .monaco-list-row', { hasText: text });
  }

  /** Of the Domains view alone: transfers name their domain too. */
  domainRow(name: string): Locator {
    return this.treeRow(name).filter({ has: this.page.locator('.label-name', { hasText: exactly(name) }) });
  }

  /** What a terminal shows. */
  terminalText(text: string | RegExp): Locator {
    return this.page.locator('.terminal-wrapper.active .xterm-rows', { hasText: text });
  }

  set(key: string, value: unknown): void {
    this.#settings = { ...this.#settings, [key]: value };
    writeSettings(this.#userDirectory, this.#settings);
  }

  /** Sets it until the effect shows: now and then the server misses that its file was written. */
  async setUntil(setting: string, value: unknown, effect: Locator): Promise<void> {
    await retry(async () => {
      this.set(setting, value);
      await effect.waitFor({ timeout: ATTEMPT_MS });
    });
  }

  useTheme(theme: Theme): Promise<void> {
    const shown = this.page.locator(`.monaco-workbench.${themes[theme].class}`);
    return this.setUntil('workbench.colorTheme', themes[theme].name, shown);
  }

  /** Shows the window as it is now, with --long in every theme; the pictures are for people to look at. */
  async screenshots(name: string): Promise<void> {
    if (!isLong) return this.screenshot(`${name}-dark`);
    for (const theme of ['light', 'contrast', 'dark'] as const) {
      await this.useTheme(theme);
      await this.screenshot(`${name}-${theme}`);
    }
  }

  async screenshot(name: string): Promise<void> {
    fs.mkdirSync(screenshotFolder, { recursive: true });
    await this.page.screenshot({ path: path.join(screenshotFolder, `${name}.png`), animations: 'disabled' });
  }
}

/** Tries until it succeeds; the last failure is the one to be told. */
async function retry(attempt: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
  }
}

function exactly(text: string): RegExp {
  return new RegExp(`^\\s*${text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\s*$`);
}
