// What com-dd prints of a copy, into one domain or several, with guests that only pretend.

import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import { LibvirtError } from 'libvirt';
import { copyFiles } from '../../../src/cli/copyFiles.ts';
import { type CopyArguments, parseArguments } from '../../../src/cli/parseArguments.ts';
import type { ChosenConnection } from '../../../src/engine/guest/chooseConnection.ts';
import type { OpenGuest } from '../../../src/engine/guest/openGuest.ts';
import { targetName } from '../../../src/engine/guest/target.ts';
import { describeError } from '../../../src/engine/messages/describeError.ts';
import { message } from '../../../src/engine/messages/message.ts';
import type { CopyEnd, GuestCopy } from '../../../src/engine/transfers/runCopies.ts';
import { type CopyResult, SameNameError } from '../../../src/transfer/index.ts';
import { fakeTerminal } from './fakeTerminal.ts';

const sha256 = 'ab'.repeat(32);
const source = import.meta.filename;
const numbers = { wireBytes: 1100, seconds: 0.5, bytesPerSecond: 2000, resumedFrom: 0, lanes: 1 };
const file = { source, destination: '/tmp/a', bytes: 1000, sha256, verified: true, skipped: false };
const copied: CopyResult = { files: [file], bytes: 1000, ...numbers };
const full: CopyResult = {
  files: [{ ...file, bytes: 0, sha256: null, verified: false, error: { code: 'no-space', message: '' } }],
  bytes: 0,
  ...numbers,
};
const guest = {
  domain: { name: 'web' },
  hasChannel: false,
  link: { description: { kind: 'serial', element: 'serial', model: 'isa-serial', device: 'serial1' } },
  passedOver: [],
  session: { welcome: { user: 'root', root: undefined } },
} as unknown as OpenGuest;

type EndOf = (copy: GuestCopy) => CopyEnd | Promise<CopyEnd>;

async function run(
  argv: readonly string[],
  endOf: EndOf,
  options: { isTTY?: boolean; signal?: AbortSignal; chosen?: ChosenConnection },
) {
  const terminal = fakeTerminal(options.isTTY);
  const args = parseArguments(argv) as CopyArguments;
  const { signal = new AbortController().signal, chosen = { uri: 'test:///x' } } = options;
  let sources: readonly string[] = [];
  const pretend = (copies: readonly GuestCopy[], given: readonly string[]) => {
    sources = given;
    return copies.map(async copy => {
      copy.onOpened?.(guest);
      return endOf(copy);
    });
  };
  const code = await copyFiles(args, terminal, signal, pretend, async () => chosen);
  return { code, sources, out: terminal.out(), err: terminal.err() };
}

const one = ['web', source, '/tmp/a'];
const two = ['--also', 'db', ...one];
const whole: EndOf = () => ({ guest, result: copied });
const summary = `1000 bytes copied, 0.500 s, 2000 bytes/s\nSHA-256 verified: ${sha256}\n`;

function cancelled(opened?: OpenGuest): CopyEnd {
  const failure = { code: 'aborted', error: new Error('cancelled'), message: message('copy.cancelled') };
  return { guest: opened, result: undefined, failure };
}

describe('com-dd', () => {
  it('prints the summary, with the domain before it where there are several', async () => {
    assert.equal((await run(one, whole, {})).out, summary);
    const { code, out } = await run(two, whole, {});
    assert.equal(code, 0);
    assert.equal(out, `web: ${summary}db: ${summary}`);
  });

  it('notes that a faster link would be possible, for each domain', async () => {
    const single = await run(one, whole, {});
    assert.match(single.err, /^com-dd: note: A virtio channel would be[^\n]*\n$/);
    const several = await run(two, whole, {});
    assert.match(several.err, /^com-dd: web: note: [^\n]*\ncom-dd: db: note: [^\n]*\n$/);
    assert.equal((await run(['--quiet', ...two], whole, {})).err, '');
  });

  it('copies once what is named twice, and says so', async () => {
    const again = `${path.dirname(source)}/./${path.basename(source)}`;
    const argv = ['--link', 'serial1', 'web', source, again, '/tmp/'];
    const { code, err, sources } = await run(argv, whole, {});
    assert.equal(code, 0);
    assert.deepEqual(sources, [source, source]);
    assert.equal(err, `com-dd: note: You named "${again}" more than once. It's copied once.\n`);
    assert.equal((await run(['--quiet', ...argv], whole, {})).err, '');
  });

  it('ends with 1 where sources have one name in the guest', async () => {
    const error = new SameNameError('a', ['a', 'b/a']);
    const failure = { code: 'same-name', error, message: describeError(error) };
    const endOf: EndOf = () => ({ guest, result: undefined, failure });
    const { code, out, err } = await run(['--link', 'serial1', ...one], endOf, {});
    assert.equal(code, 1);
    assert.equal(out, '');
    assert.match(err, /^com-dd: "a" and "b\/a" would both be called "a" in the guest[^\n]*\n$/);
  });

  it('prints no summary for a domain into which nothing was copied', async () => {
    const endOf: EndOf = ({ target }) => ({ guest, result: targetName(target) === 'db' ? full : copied });
    const { code, out, err } = await run(['--link', 'serial1', ...two], endOf, {});
    assert.equal(code, 1);
    assert.equal(out, `web: ${summary}`);
    assert.match(err, /^com-dd: db: [^\n]*disk is full[^\n]*\n$/);
  });

  it('shows that it is being cancelled, whatever the number of domains', async () => {
    for (const argv of [one, two]) {
      const interruption = new AbortController();
      const { code, err } = await run(
        ['--link', 'serial1', ...argv],
        async () => {
          interruption.abort();
          return cancelled(guest);
        },
        { isTTY: true, signal: interruption.signal },
      );
      assert.equal(code, 130);
      assert.match(err, /Cancelling…/);
    }
  });

  it('says the same of a cancelled copy, whatever the number of domains', async () => {
    const signal = AbortSignal.abort();
    const inGuest = 'The copy was cancelled. No unfinished file stays in the guest.';
    const link = ['--link', 'serial1'];
    assert.equal(
      (await run([...link, ...one], () => cancelled(guest), { signal })).err,
      `com-dd: ${inGuest}\n`,
    );
    const endOf: EndOf = ({ target }) => cancelled(targetName(target) === 'web' ? guest : undefined);
    assert.equal(
      (await run([...link, ...two], endOf, { signal })).err,
      `com-dd: web: ${inGuest}\ncom-dd: db: The copy was cancelled.\n`,
    );
  });

  it('says of a cancelled copy what may stay where the receiver has not said that it is gone', async () => {
    const signal = AbortSignal.abort();
    const endOf: EndOf = () =>
      ({ ...cancelled(guest), result: { ...full, leftovers: ['/tmp/a\u001b'] } }) as CopyEnd;
    const { err } = await run(['--link', 'serial1', ...one], endOf, { signal });
    assert.match(
      err,
      /^com-dd: The copy was cancelled\. [^\n]* may stay beside "\/tmp\/a\\x1b"; the next copy/,
    );
    assert.doesNotMatch(err, /No unfinished file/);
  });

  it('ends with 1 where only one of several guests was cancelled, at its question', async () => {
    const endOf: EndOf = copy => (targetName(copy.target) === 'web' ? cancelled(guest) : whole(copy));
    assert.equal((await run(two, endOf, {})).code, 1);
    assert.equal((await run(two, () => cancelled(guest), {})).code, 130);
  });

  it('keeps progress off the screen while it asks, and asks for one guest at a time', async () => {
    const terminal = fakeTerminal(true);
    const args = parseArguments(['--link', 'serial1', ...two]) as CopyArguments;
    const conflict = {
      source,
      destination: '/tmp/a',
      sourceInfo: { size: 1, mtimeMs: 0 },
      existing: { type: 'file', size: 2, mtimeMs: 0 },
    };
    const progress = {
      ...{ file: '/x/progress', filesDone: 0, filesTotal: 1, bytesDone: 0, bytesTotal: 1 },
      ...{ wireBytes: 0, bytesPerSecond: 0, wireBytesPerSecond: 0, etaSeconds: undefined },
    };
    const pretend = (copies: readonly GuestCopy[]) =>
      copies.map(async ({ options }): Promise<CopyEnd> => {
        const answer = options.onConflict?.(conflict);
        await new Promise(resolve => setImmediate(resolve));
        options.onProgress?.(progress);
        terminal.stdin.write('s\n');
        assert.deepEqual(await answer, { action: 'skip' });
        return { guest, result: copied };
      });
    const choose = async () => ({ uri: 'test:///x' });
    assert.equal(await copyFiles(args, terminal, new AbortController().signal, pretend, choose), 0);
    assert.match(terminal.err(), /web: "\/tmp\/a" exists[\s\S]*db: "\/tmp\/a" exists/);
    assert.doesNotMatch(terminal.err(), /progress/);
  });

  it('says which connection the default came to, and why, but only where that is a surprise', async () => {
    const error = new LibvirtError('no-socket', '');
    const chosen = { uri: 'qemu:///session', passedOver: { uri: 'qemu:///system', error } };
    const uris: (string | undefined)[] = [];
    const endOf: EndOf = ({ target }) => {
      uris.push(target.kind === 'domain' ? target.uri : undefined);
      return { guest, result: copied };
    };
    const argv = ['--link', 'serial1', ...one];
    assert.match(
      (await run(argv, endOf, { chosen })).err,
      /^com-dd: note: Using qemu:\/\/\/session, because qemu:\/\/\/system can't be reached: [^\n]*\n$/,
    );
    assert.equal((await run(['--quiet', ...argv], endOf, { chosen })).err, '');
    assert.equal((await run(argv, endOf, {})).err, '');
    assert.deepEqual(uris, ['qemu:///session', 'qemu:///session', 'test:///x']);
  });

  it('gives scripts one object, or a list of several guests', async () => {
    const single = JSON.parse((await run(['--json', ...one], whole, {})).out);
    assert.equal(single.link, 'serial1');
    const failed: EndOf = copy => (targetName(copy.target) === 'db' ? cancelled() : whole(copy));
    const { guests, ...others } = JSON.parse((await run(['--json', ...two], failed, {})).out);
    assert.deepEqual(others, {});
    assert.deepEqual(guests[0], { domain: 'web', ...single });
    assert.deepEqual(
      [guests[1].domain, guests[1].error, guests[1].link],
      ['db', { code: 'aborted', message: 'The copy was cancelled.' }, null],
    );
    assert.deepEqual(Object.keys(guests[1]), ['domain', ...Object.keys(single), 'error']);
  });
});
