// What VS Code and other extensions see of Guestwire: its manifest's promises, kept.
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { guestwire } from './extension.ts';

/** Users' key bindings and scripts rely on these. */
const designedCommands = [
  'guestwire.copyToGuest',
  'guestwire.copyToLastGuest',
  'guestwire.startDomain',
  'guestwire.shutdownDomain',
  'guestwire.suspendDomain',
  'guestwire.resumeDomain',
  'guestwire.rebootDomain',
  'guestwire.destroyDomain',
  'guestwire.addConnection',
  'guestwire.removeConnection',
  'guestwire.refresh',
  'guestwire.showLog',
  'guestwire.showTransfers',
  'guestwire.cancelTransfer',
  'guestwire.retryTransfer',
];

/** Of each view. */
const MADE_BY_VSCODE = /^guestwire\.(domains|transfers)\./;

const designedDefaults: Record<string, unknown> = {
  connections: ['default'],
  conflict: 'ask',
  link: {},
  serialPorts: [],
  maxParallelTransfers: 3,
};

interface Manifest {
  contributes: { commands: { command: string }[]; views: { guestwire: { id: string }[] } };
}

describe('activation', () => {
  it('succeeds and gives the API for other extensions', async () => {
    const api = await guestwire().activate();
    assert.deepEqual(Object.keys(api), ['copyToGuest']);
    assert.equal(typeof api.copyToGuest, 'function');
  });

  it('loads the rest when the API is called', async () => {
    const api = await guestwire().activate();
    const nothing = api.copyToGuest([], { domain: 'none', destination: '/tmp/' });
    await assert.rejects(nothing, { code: 'invalid-argument' });
  });

  it('registers every command of the manifest, and the manifest has those people rely on', async () => {
    await guestwire().activate();
    const { contributes } = guestwire().packageJSON as Manifest;
    const contributed = contributes.commands.map(({ command }) => command);
    const registered = new Set(await vscode.commands.getCommands(true));
    assert.deepEqual(
      contributed.filter(command => !registered.has(command)),
      [],
    );
    const ours = [...registered].filter(id => id.startsWith('guestwire.') && !MADE_BY_VSCODE.test(id));
    assert.deepEqual(
      ours.filter(command => !contributed.includes(command)),
      [],
    );
    assert.deepEqual(
      designedCommands.filter(command => !contributed.includes(command)),
      [],
    );
  });

  it('has its two views', async () => {
    const { contributes } = guestwire().packageJSON as Manifest;
    const views = contributes.views.guestwire.map(({ id }) => id);
    assert.deepEqual(views, ['guestwire.domains', 'guestwire.transfers']);
    const registered = await vscode.commands.getCommands(true);
    for (const view of views) assert.ok(registered.includes(`${view}.focus`), view);
  });

  it('has the defaults that are documented', () => {
    const configuration = vscode.workspace.getConfiguration('guestwire');
    for (const [key, value] of Object.entries(designedDefaults))
      assert.deepEqual(configuration.inspect(key)?.defaultValue, value, key);
  });

  it('lets no workspace choose connections, links or ports', () => {
    const { contributes } = guestwire().packageJSON as {
      contributes: { configuration: { properties: Record<string, { scope?: string }> } };
    };
    for (const key of ['connections', 'link', 'serialPorts'])
      assert.equal(contributes.configuration.properties[`guestwire.${key}`]?.scope, 'machine', key);
  });
});
