// The tree of domains as VS Code draws it, over a real libvirtd with a real guest.
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { Connections } from '../../src/engine/connections/connections.ts';
import { Receivers } from '../../src/engine/connections/receivers.ts';
import { loadEngine } from '../../src/engine/loadEngine.ts';
import { type DomainsNode, DomainsTree } from '../../src/ui/domains/domainsTree.ts';
import { bootGuest, type Guest } from '../support/guest.ts';
import { ensureLibvirtd, type Libvirtd } from '../support/libvirtd.ts';
import { pollUntil } from '../support/polling.ts';

describe('the tree of domains', () => {
  let libvirtd: Libvirtd;
  let guest: Guest;
  let connections: Connections;
  let tree: DomainsTree;

  before(async () => {
    libvirtd = await ensureLibvirtd();
    guest = await bootGuest({ uri: libvirtd.uri, name: 'tree' });
    const quiet = (): void => {};
    connections = new Connections({
      loadEngine,
      log: { info: quiet, warn: quiet, error: quiet, debug: quiet },
      configured: () => [libvirtd.uri],
      resolveDefault: async () => ({ uri: libvirtd.uri }),
    });
    tree = new DomainsTree(connections, new Receivers());
    await connections.setVisible(true);
  });

  after(async () => {
    tree?.dispose();
    connections?.dispose();
    await guest?.destroy();
    await libvirtd?.stop();
  });

  async function onlyConnection(): Promise<DomainsNode> {
    const [root, ...others] = await tree.getChildren();
    assert.ok(root);
    assert.deepEqual(others, []);
    return root;
  }

  /** The guest's line; other domains may be there where the daemon is shared. */
  async function ownDomain(): Promise<{ node: DomainsNode; item: vscode.TreeItem } | undefined> {
    const nodes = await tree.getChildren(await onlyConnection());
    const drawn = nodes.map(node => ({ node, item: tree.getTreeItem(node) }));
    return drawn.find(({ item }) => item.label === guest.name);
  }

  async function isDescribed(word: string): Promise<void> {
    const description = async () => String((await ownDomain())?.item.description);
    await pollUntil(`the domain is ${word}`, async () => (await description()).startsWith(word));
  }

  it('shows the connection by its URI', async () => {
    const item = tree.getTreeItem(await onlyConnection());
    assert.ok(libvirtd.uri.startsWith(String(item.label)));
    assert.match(String(item.description), /^\d+ domains?\b/);
    assert.ok(String(item.tooltip).startsWith(libvirtd.uri));
    assert.equal(item.collapsibleState, vscode.TreeItemCollapsibleState.Expanded);
  });

  it('shows a running domain with its links', async () => {
    const domain = await ownDomain();
    assert.ok(domain);
    assert.match(String(domain.item.description), /^running/);
    assert.equal(domain.item.contextValue, 'domain running writable');
    const [below, ...others] = await tree.getChildren(domain.node);
    assert.ok(below);
    assert.deepEqual([below.kind, others], ['links', []]);
    const links = (await tree.getChildren(below)).map(node => tree.getTreeItem(node));
    assert.equal(tree.getTreeItem(below).description, String(links.length));
    const contexts = links.map(({ contextValue }) => contextValue);
    assert.ok(contexts.includes('link automatic'), `links: ${links.map(({ label }) => label).join(', ')}`);
    assert.ok(links.some(({ label }) => String(label).includes('org.guestwire.0')));
    for (const { accessibilityInformation } of links) assert.ok(accessibilityInformation?.label);
  });

  it('says which node stands above which', async () => {
    const domain = await ownDomain();
    assert.ok(domain);
    const [links] = await tree.getChildren(domain.node);
    assert.ok(links);
    const [link] = await tree.getChildren(links);
    assert.ok(link);
    assert.equal(tree.getParent(link), links);
    assert.equal(tree.getParent(links), domain.node);
    assert.equal(tree.getParent(domain.node), await onlyConnection());
  });

  it('follows a domain that goes and comes without being asked', async () => {
    const redrawn: unknown[] = [];
    const subscription = tree.onDidChangeTreeData(nodes => redrawn.push(nodes));
    const before = await ownDomain();
    await guest.forceOff();
    await isDescribed('shut off');
    await guest.start();
    await isDescribed('running');
    const after = await ownDomain();
    assert.equal(after?.node, before?.node);
    assert.equal(after?.item.id, before?.item.id);
    subscription.dispose();
    assert.ok(redrawn.length > 0);
  });
});
