import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import { COMMAND_NAMES } from '../../../src/ui/commands/command.ts';

const root = new URL('../../../', import.meta.url);
const read = (name: string) => fs.readFileSync(new URL(name, root), 'utf8');
const manifestText = read('package.json');
const manifest = JSON.parse(manifestText);
const texts: Record<string, string> = JSON.parse(read('package.nls.json'));
const { commands, menus, configuration, viewsWelcome, keybindings } = manifest.contributes;

interface Item {
  command: string;
  when?: string;
}

const declared: string[] = commands.map(({ command }: Item) => command);

describe('manifest of the extension', () => {
  it('package.nls.json has exactly the texts that the manifest uses', () => {
    const used = [...manifestText.matchAll(/"%([^%"]+)%"/g)].map(([, key]) => key);
    assert.deepEqual([...new Set(used)].sort(), Object.keys(texts).sort());
  });

  it('the manifest declares exactly the registered commands, and each has its own file', () => {
    const registered = COMMAND_NAMES.map(name => `guestwire.${name}`);
    assert.deepEqual([...declared].sort(), registered.sort());
    for (const name of COMMAND_NAMES) {
      const file = new URL(`src/ui/commands/${name}.ts`, root);
      assert.ok(fs.existsSync(file), file.pathname);
    }
  });

  it('menus, key bindings and links use only declared commands', () => {
    const items: Item[] = [...Object.values<Item[]>(menus).flat(), ...keybindings];
    const links = Object.values(texts).flatMap(text => [...text.matchAll(/\(command:([\w.]+)\)/g)]);
    const used = [...items.map(({ command }) => command), ...links.map(([, command]) => command)];
    for (const command of used) assert.ok(declared.includes(command ?? ''), command);
  });

  it('the manifest keeps the ids and titles that users rely on', () => {
    const title = (name: string) => texts[`command.${name}`];
    assert.equal(title('copyToGuest'), 'Copy to Guest VM');
    assert.equal(title('copyToLastGuest'), 'Copy to Last Guest VM');
    assert.equal(title('destroyDomain'), 'Force Off');
    assert.ok(commands.every(({ category }: { category: string }) => category === 'Guestwire'));
    assert.deepEqual(
      manifest.contributes.views.guestwire.map(({ id }: { id: string }) => id),
      ['guestwire.domains', 'guestwire.transfers'],
    );
    assert.equal(`${manifest.publisher}.${manifest.name}`, 'guestwire.guestwire');
  });

  it('no key is AltGr and a letter on European layouts, and macOS has all of them too', () => {
    for (const { key, mac, when } of keybindings) {
      assert.doesNotMatch(key, /ctrl\+alt|alt\+ctrl/);
      // What is Delete on other keyboards deletes files in macOS's Finder and in VS Code's Explorer by this.
      assert.equal(mac, key.replaceAll('ctrl', 'cmd').replace('delete', 'cmd+backspace'));
      assert.match(when, /Focus|activeEditor/);
    }
  });

  it('Delete removes a transfer, and does nothing outside of their view', () => {
    const { when } = keybindings.find(({ command }: Item) => command === 'guestwire.removeTransfer');
    assert.match(when, /^focusedView == guestwire\.transfers && listFocus && !inputFocus$/);
  });

  it("a workspace can't set where to connect or, while untrusted, where to copy", () => {
    const { properties } = configuration;
    for (const name of ['connections', 'link', 'serialPorts']) {
      assert.equal(properties[`guestwire.${name}`].scope, 'machine', name);
    }
    assert.equal(properties['guestwire.maxParallelTransfers'].scope, 'application');
    const { restrictedConfigurations } = manifest.capabilities.untrustedWorkspaces;
    assert.deepEqual(restrictedConfigurations, ['guestwire.destination', 'guestwire.conflict']);
  });

  it("preferences can be set in the User tab of a remote window, where machines' settings can't", () => {
    const scopes = Object.entries<{ scope: string }>(configuration.properties).map(([key, { scope }]) => [
      key.replace('guestwire.', ''),
      scope.startsWith('machine') ? 'machine' : 'preference',
    ]);
    assert.deepEqual(Object.fromEntries(scopes), {
      ...{ connections: 'machine', link: 'machine', serialPorts: 'machine' },
      ...{ destination: 'preference', conflict: 'preference', maxParallelTransfers: 'preference' },
      ...{ compression: 'preference', delta: 'preference', lanes: 'preference' },
      notifications: 'preference',
    });
  });

  it('the steps of the walkthrough are ticked by what has been achieved, not by what was tried', () => {
    const [{ steps }] = manifest.contributes.walkthroughs;
    const events = steps.flatMap((step: { completionEvents: string[] }) => step.completionEvents);
    const set = events.map((event: string) => /^onContext:guestwire\.(\w+)$/.exec(event)?.[1]);
    assert.deepEqual(set, ['connected', 'receiverAnswered', 'copied', 'transferShown']);
    const source = read('src/ui/achievements.ts');
    for (const key of set) assert.ok(source.includes(`'${key}'`), key);
  });

  it('the manifest has a welcome text for each reason for an empty Domains view', () => {
    const domains = viewsWelcome.filter(({ view }: { view: string }) => view === 'guestwire.domains');
    const keys = domains.map(({ when }: Item) => /== '([\w-]+)'/.exec(when ?? '')?.[1]);
    assert.deepEqual(keys.sort(), ['denied', 'no-connection', 'no-domain', 'no-socket']);
  });
});
