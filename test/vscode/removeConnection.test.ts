// Removing a connection from the settings, which may have it more than once.
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { CommandParts } from '../../src/ui/commands/command.ts';
import { removeConnection } from '../../src/ui/commands/removeConnection.ts';
import { settings } from '../../src/ui/settings.ts';

describe('removing a connection', () => {
  const configuration = () => vscode.workspace.getConfiguration('guestwire');
  const set = (uris: unknown) =>
    configuration().update('connections', uris, vscode.ConfigurationTarget.Global);
  const defaultUri = 'qemu:///of-this-test';
  const connections = { load: async () => undefined, default: { uri: defaultUri } };
  const remove = (uri: string) =>
    removeConnection({ connections } as unknown as CommandParts, {
      kind: 'connection',
      connection: { uri },
    });

  // What the other tests of this window use.
  const before = configuration().inspect('connections')?.globalValue;
  after(() => set(before));

  it('removes it under each of its names', async () => {
    await set(['default', 'qemu:///other', defaultUri, ` ${defaultUri} `]);
    await remove(defaultUri);
    assert.deepEqual(settings.connections, ['qemu:///other']);
  });

  it('removes one that is there twice', async () => {
    await set(['qemu:///a', 'qemu:///b', 'qemu:///a']);
    await remove('qemu:///a');
    assert.deepEqual(settings.connections, ['qemu:///b']);
  });

  it('removes the default where nothing is set', async () => {
    await set(undefined);
    await remove(defaultUri);
    assert.deepEqual(settings.connections, []);
  });
});
