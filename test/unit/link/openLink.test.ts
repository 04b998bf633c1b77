import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { LibvirtError, type LibvirtStream } from 'libvirt';
import { type ConsoleOpener, isLinkError, openLink } from '../../../src/link/index.ts';
import { candidateOf, fixtureDevices } from './fixtures.ts';

const domain = { name: 'demo', uuid: '00000000-0000-0000-0000-000000000000', id: 1 };
const mixed = fixtureDevices('mixed');

interface Call {
  readonly method: 'console' | 'channel';
  readonly device: string | undefined;
  readonly force: boolean | undefined;
}

/** A connection that refuses the first opens with the errors given. */
function opener(...errors: Error[]): ConsoleOpener & { calls: Call[] } {
  const calls: Call[] = [];
  const open =
    (method: Call['method']) =>
    async (_: unknown, device?: string, options?: { force?: boolean | undefined }) => {
      calls.push({ method, device, force: options?.force });
      const error = errors.shift();
      if (error) throw error;
      return new PassThrough() as unknown as LibvirtStream;
    };
  return { calls, openConsole: open('console'), openChannel: open('channel') };
}

const busy = () => new LibvirtError('busy', 'Active console session exists for this domain');

describe('opening a link', () => {
  it('opens a serial port as a console and never by force', async () => {
    const connection = opener();
    const link = await openLink(connection, domain, candidateOf(mixed, 'serial1'));
    assert.deepEqual(connection.calls, [{ method: 'console', device: 'serial1', force: false }]);
    assert.deepEqual(link.description, {
      kind: 'serial',
      device: 'serial1',
      label: 'isa-serial port serial1',
    });
  });

  it('opens a channel by its name, and by force on request only', async () => {
    const connection = opener();
    await openLink(connection, domain, candidateOf(mixed, 'org.guestwire.0'), { takeOver: true });
    assert.deepEqual(connection.calls, [{ method: 'channel', device: 'org.guestwire.0', force: true }]);
  });

  it('names domain, device and remedy when it stays busy', async () => {
    await assert.rejects(
      openLink(opener(busy()), domain, candidateOf(mixed, 'serial1')),
      error =>
        isLinkError(error) &&
        error.code === 'busy' &&
        /isa-serial port serial1 of domain "demo" is in use .*close that and try again/.test(error.message),
    );
  });

  it('reports a cancellation as its own, before and during', async () => {
    const abort = new AbortController();
    const connection = opener(new DOMException('cancelled', 'AbortError'));
    const opening = openLink(connection, domain, candidateOf(mixed, 'serial1'), { signal: abort.signal });
    abort.abort();
    await assert.rejects(opening, { name: 'AbortError' });
    const again = openLink(connection, domain, candidateOf(mixed, 'serial1'), { signal: abort.signal });
    await assert.rejects(again, { name: 'AbortError' });
    assert.equal(connection.calls.length, 1);
  });

  it("hands on libvirt's other errors", async () => {
    const denied = new LibvirtError('denied', 'no');
    await assert.rejects(openLink(opener(denied), domain, candidateOf(mixed, 'serial1')), denied);
  });
});
