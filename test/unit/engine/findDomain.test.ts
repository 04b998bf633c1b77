import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type DomainState, type DomainStateReason, LibvirtError } from 'libvirt';
import { findDomain, requireRunning } from '../../../src/engine/guest/findDomain.ts';

const uuid = '4dea22b3-1d52-d8f3-2516-782e98ab3fa0';
const domain = { name: 'demo', uuid, id: 3 };
const never = new AbortController().signal;

function connection(state: DomainState = 'running', reason: DomainStateReason = 'unknown') {
  const asked: string[] = [];
  const lookup = (kind: string, matches: (key: unknown) => boolean) => async (key: unknown) => {
    asked.push(`${kind} ${key}`);
    if (matches(key)) return domain;
    throw new LibvirtError('no-domain', 'no domain');
  };
  return {
    asked,
    lookupByName: lookup('name', key => key === 'demo'),
    lookupByUuid: lookup('uuid', key => key === uuid),
    lookupById: lookup('id', key => key === 3),
    domainStatus: async () => ({ state, reason }),
  };
}

describe('finding a domain', () => {
  it('goes by name, then by what the word looks like', async () => {
    for (const word of ['demo', uuid, '3']) assert.equal(await findDomain(connection(), word, never), domain);
    const byId = connection();
    await findDomain(byId, '3', never);
    assert.deepEqual(byId.asked, ['name 3', 'id 3']);
  });

  it('asks no further for a plain name', async () => {
    const fake = connection();
    await assert.rejects(findDomain(fake, 'nobody', never), { code: 'no-domain' });
    assert.deepEqual(fake.asked, ['name nobody']);
    await assert.rejects(findDomain(connection(), '99999999999999', never), { code: 'no-domain' });
  });

  it('wants it to run', async () => {
    await requireRunning(connection('running'), domain, never);
    await requireRunning(connection('blocked'), domain, never);
    const off = ['shutoff', 'shutdown', 'crashed', 'paused', 'pmsuspended'] as const;
    for (const state of off) {
      await assert.rejects(requireRunning(connection(state), domain, never), {
        name: 'GuestError',
        details: { code: 'not-running', domain: 'demo', state },
      });
    }
    await assert.rejects(requireRunning(connection('paused', 'ioerror'), domain, never), {
      details: { code: 'not-running', domain: 'demo', state: 'paused', pause: 'ioerror' },
    });
  });
});
