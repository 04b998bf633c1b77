import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DomainPlace } from '../../../src/engine/connections/connections.ts';
import type { ManagedConnection } from '../../../src/engine/connections/managedConnection.ts';
import { domainKey, type Target, targetKey, targetName } from '../../../src/engine/guest/target.ts';
import { defaultDestination, destinationProblem } from '../../../src/engine/transfers/destinations.ts';
import { domainChoices, onlyChoice } from '../../../src/engine/transfers/domainChoices.ts';
import { OwnCopies } from '../../../src/engine/transfers/ownCopies.ts';
import { conflictChoices, conflictTitle } from '../../../src/ui/transfers/conflictChoices.ts';
import { domainOf } from './samples.ts';

const connection = { uri: 'qemu:///system' } as ManagedConnection;
const place = (...named: Parameters<typeof domainOf>): DomainPlace => ({
  connection,
  domain: domainOf(...named),
});
const names = (targets: readonly Target[]) => targets.map(targetName);
const linkOf = (domain: string) => `link of ${domain}`;

describe('list of domains to copy to', () => {
  const domains = [place('a', 'shutoff'), place('b'), place('c', 'paused'), place('d')];

  it('lists running domains first, with the last used one on top', () => {
    const last = domainKey(connection.uri, domainOf('d').uuid);
    const { ready, notRunning } = domainChoices(domains, ['/dev/ttyUSB0'], last, linkOf);
    assert.deepEqual(names(ready), ['d', 'b', '/dev/ttyUSB0']);
    assert.deepEqual(names(notRunning), ['a', 'c']);
    assert.equal(ready[0] && targetKey(ready[0]), last);
    assert.equal(ready[1]?.kind === 'domain' && ready[1].link, 'link of b');
  });

  it("doesn't put the last used domain on top while it is off", () => {
    const last = domainKey(connection.uri, domainOf('a').uuid);
    assert.deepEqual(names(domainChoices(domains, [], last, linkOf).ready), ['b', 'd']);
  });

  it('asks no question if exactly one domain runs', () => {
    const one = domainChoices([place('a', 'shutoff'), place('b')], [], undefined, linkOf);
    assert.deepEqual(names([onlyChoice(one)].filter(target => target !== undefined)), ['b']);
    assert.equal(onlyChoice(domainChoices(domains, [], undefined, linkOf)), undefined);
    assert.equal(onlyChoice(domainChoices([place('b')], ['COM3'], undefined, linkOf)), undefined);
    assert.equal(onlyChoice(domainChoices([place('a', 'shutoff')], [], undefined, linkOf)), undefined);
  });
});

describe('destination of a copy', () => {
  const setting = { 'os:linux': '/home/me/', 'os:windows': 'C:\\In\\', web: '/srv/' };
  const facts = { domain: 'x', system: undefined, osFamily: undefined };

  it('the default destination is looked up by domain, then by guest system', () => {
    assert.equal(defaultDestination(setting, { ...facts, domain: 'web' }), '/srv/');
    assert.equal(defaultDestination(setting, facts), '/home/me/');
    assert.equal(defaultDestination(setting, { ...facts, osFamily: 'windows' }), 'C:\\In\\');
    assert.equal(
      defaultDestination(setting, { ...facts, system: 'linux', osFamily: 'windows' }),
      '/home/me/',
    );
    assert.equal(defaultDestination({}, facts), '~/');
    assert.equal(defaultDestination({}, { ...facts, domain: 'constructor' }), '~/');
  });

  it('a destination may be anything that could be a path', () => {
    for (const path of ['/tmp/', '~/', 'name.txt', 'C:\\Users\\me\\', '/a b/ü', '/dev/null']) {
      assert.equal(destinationProblem(path, 1), undefined, path);
    }
    for (const path of ['', '  ', '/a\nb', `/${'x'.repeat(5000)}`, 'file:///tmp']) {
      assert.ok(destinationProblem(path, 1), path);
    }
    assert.ok(destinationProblem('/dev/null', 2));
  });
});

describe('question about an existing file', () => {
  const conflict = {
    source: '/home/me/a.txt',
    destination: '/srv/a.txt\u001b',
    sourceInfo: { size: 2_000_000, mtimeMs: 1_700_000_010_000 },
    existing: { type: 'file', size: 1_200, mtimeMs: 1_700_000_000_000 },
  };

  const details = (of: typeof conflict) =>
    conflictChoices(of, timeMs => `t${timeMs}`).once.map(({ label, detail }) => `${label}: ${detail}`);

  it('shows sizes and times of both files', () => {
    assert.deepEqual(details(conflict).slice(0, 2), [
      'Overwrite: Replace with your file: 2.00 MB, t1700000010000 (newer)',
      "Skip: Keep the guest's file: 1.20 kB, t1700000000000",
    ]);
    const unknown = { ...conflict, existing: { ...conflict.existing, mtimeMs: Number.NaN } };
    assert.match(conflictChoices(unknown).once[1]?.detail ?? '', /unknown time/);
    assert.doesNotMatch(conflictChoices(unknown).once[0]?.detail ?? '', /newer|older/);
  });

  it('names the file, made harmless, and the domain', () => {
    assert.equal(
      conflictTitle(conflict, 'web'),
      '"/srv/a.txt\\x1b" already exists in "web" with different content',
    );
    assert.equal(
      conflictTitle({ ...conflict, isJustMade: true }, 'web'),
      'This transfer has just put another file at "/srv/a.txt\\x1b" in "web"',
    );
  });

  it('offers each answer for one file and for all files', () => {
    const { once, forAll } = conflictChoices(conflict);
    assert.deepEqual(
      once.map(({ decision }) => decision),
      [{ action: 'overwrite' }, { action: 'skip' }, { action: 'rename' }],
    );
    assert.ok(forAll.every(({ decision }) => decision.forAll));
  });
});

describe('files that earlier copies left in guests', () => {
  const conflict = (destination: string, existing: { size: number; mtimeMs: number; type?: string }) => ({
    source: '/home/me/notes.txt',
    destination,
    sourceInfo: { size: 7, mtimeMs: 9_000_000 },
    existing: { type: 'file', ...existing },
  });

  it('are recognised by source, path, size and time', () => {
    const copies = new OwnCopies();
    const source = '/home/me/notes.txt';
    copies.left('web', '/srv/notes.txt', { source, size: 5, mtimeMs: 1_234_567 });
    const same = { size: 5, mtimeMs: 1_234_000 };
    assert.ok(copies.isAsLeft('web', conflict('/srv/notes.txt', same)));
    const ofAnother = { ...conflict('/srv/notes.txt', same), source: '/home/me/other/notes.txt' };
    assert.ok(!copies.isAsLeft('web', ofAnother));
    assert.ok(!copies.isAsLeft('web', { ...conflict('/srv/notes.txt', same), isJustMade: true }));
    assert.ok(!copies.isAsLeft('db', conflict('/srv/notes.txt', same)));
    assert.ok(!copies.isAsLeft('web', conflict('/srv/other.txt', same)));
    assert.ok(!copies.isAsLeft('web', conflict('/srv/notes.txt', { ...same, size: 6 })));
    assert.ok(!copies.isAsLeft('web', conflict('/srv/notes.txt', { ...same, mtimeMs: 9_000_000 })));
    assert.ok(!copies.isAsLeft('web', conflict('/srv/notes.txt', { ...same, type: 'symlink' })));
  });

  it('are forgotten beyond 2,000 files, the oldest first', () => {
    const copies = new OwnCopies();
    const file = { source: '/home/me/notes.txt', size: 1, mtimeMs: 1 };
    for (let index = 0; index < 2_001; index += 1) copies.left('web', `/${index}`, file);
    assert.ok(!copies.isAsLeft('web', conflict('/0', file)));
    assert.ok(copies.isAsLeft('web', conflict('/1', file)));
  });
});
