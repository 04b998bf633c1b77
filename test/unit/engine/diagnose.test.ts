// Why a copy broke off, by asking a FAKE of libvirt's daemon: what became of the domain, and whether the daemon is there.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connect, type DomainStateReason } from 'libvirt';
import { worded } from '../../../src/cli/wording.ts';
import { diagnose, diagnoseOpening } from '../../../src/engine/guest/diagnose.ts';
import { describeError } from '../../../src/engine/messages/describeError.ts';
import { LinkError } from '../../../src/link/index.ts';
import { ProtocolError } from '../../../src/protocol/index.ts';
import {
  type Answer,
  demoDomain,
  demoDomainXdr,
  FakeLibvirtd,
  words,
  xdr,
} from '../../support/fakeLibvirtd.ts';

const LOOKUP_BY_UUID = 24;
const GET_STATE = 212;
const closed = new ProtocolError('closed', 'the link was closed');
const uri = 'qemu:///system';

const says =
  (payload: Buffer): Answer =>
  (peer, call) =>
    peer.reply(call, payload);
const noDomain: Answer = (peer, call) => peer.fail(call, 42, 10, 'no domain');
const running: [number, Answer][] = [
  [GET_STATE, says(words(1, 1))],
  [LOOKUP_BY_UUID, says(demoDomainXdr)],
];

/** What com-dd would say. */
async function sayWhy(
  answers: [number, Answer][],
  options: { error?: unknown; lastStop?: DomainStateReason; isBack?: boolean } = {},
): Promise<string> {
  const { error = closed, lastStop, isBack = false } = options;
  const { dial } = new FakeLibvirtd(answers);
  const connection = await connect(uri, { dial });
  const reconnect = () => (isBack ? connect(uri, { dial }) : Promise.reject(new Error('refused')));
  const guest = { connection, domain: demoDomain, lastStop: () => lastStop };
  const why = await diagnose(error, guest, reconnect);
  await connection.close();
  return worded(describeError(why, { uri, domain: 'demo' }));
}

describe('why a copy broke off', () => {
  const stops: [reason: number, RegExp][] = [
    [0, /"demo" stopped during the copy\. Start it and its receiver/],
    [1, /"demo" was shut down during the copy/],
    [2, /"demo" was forced off during the copy/],
    [3, /"demo" crashed during the copy/],
    [4, /"demo" was migrated to another host during the copy\. Copy again over a connection to that host/],
    [5, /"demo" was saved and stopped during the copy\. Start it, which restores it/],
    [7, /"demo" was reverted to a snapshot/],
    [99, /"demo" stopped during the copy/],
  ];
  for (const [reason, sentence] of stops) {
    it(`shut off for reason ${reason}`, async () => {
      assert.match(await sayWhy([[GET_STATE, says(words(5, reason))]]), sentence);
    });
  }

  const pauses: [reason: number, RegExp][] = [
    [1, /is paused\. Resume it/],
    [3, /is paused while libvirt saves it/],
    [5, /one of its disks reported an I\/O error/],
    [9, /takes a snapshot/],
  ];
  for (const [reason, sentence] of pauses) {
    it(`paused for reason ${reason}`, async () => {
      assert.match(await sayWhy([[GET_STATE, says(words(3, reason))]]), sentence);
    });
  }

  it('a panic', async () => {
    assert.match(await sayWhy([[GET_STATE, says(words(6, 1))]]), /"demo" crashed during the copy/);
  });

  it('a domain that is off a moment after its link is', async () => {
    let asked = 0;
    const state: Answer = (peer, call) => {
      asked += 1;
      peer.reply(call, asked > 2 ? words(5, 2) : words(1, 1));
    };
    assert.match(await sayWhy([...running, [GET_STATE, state]]), /was forced off/);
  });

  it('a transient domain, of which only the last event tells', async () => {
    const gone: [number, Answer][] = [[GET_STATE, noDomain]];
    assert.match(await sayWhy(gone, { lastStop: 'saved' }), /was saved and stopped/);
    assert.match(await sayWhy(gone), /"demo" stopped during the copy/);
  });

  it('a domain that runs again under another id', async () => {
    const { name } = demoDomain;
    const again = xdr(name, Buffer.from(demoDomain.uuid.replaceAll('-', ''), 'hex'), 8);
    const answers: [number, Answer][] = [...running, [LOOKUP_BY_UUID, says(again)]];
    assert.match(
      await sayWhy(answers, { lastStop: 'destroyed' }),
      /was forced off during the copy\. It runs again\. Make sure its receiver/,
    );
  });

  it('a lost connection only where the daemon cannot be reached', async () => {
    const hangUp: [number, Answer][] = [[GET_STATE, peer => peer.hangUp()]];
    assert.match(
      await sayWhy(hangUp),
      /connection to libvirt at qemu:\/\/\/system was lost.*daemon doesn't answer/,
    );
    assert.match(await sayWhy(hangUp, { isBack: true }), /broke during the copy, but its daemon answers now/);
  });

  it('also in the search for a receiver', async () => {
    const silent = new LinkError('no-receiver', '', { domain: 'demo' });
    const sayOpening = async (...status: number[]) => {
      const connection = await connect(uri, {
        dial: new FakeLibvirtd([[GET_STATE, says(words(...status))]]).dial,
      });
      const why = await diagnoseOpening(silent, connection, demoDomain);
      await connection.close();
      return worded(describeError(why, { uri, domain: 'demo' }));
    };
    assert.match(await sayOpening(3, 1), /"demo" is paused/);
    assert.match(await sayOpening(5, 2), /"demo" is shut off/);
    assert.match(await sayOpening(1, 1), /No receiver answered/);
  });

  it('leaves the error as it is where libvirt knows nothing', async () => {
    assert.match(await sayWhy(running), /The link to domain "demo" was closed/);
    const refused: [number, Answer][] = [[GET_STATE, (peer, call) => peer.fail(call, 38, 10, 'no')]];
    assert.match(await sayWhy(refused), /The link to domain "demo" was closed/);
    const version = new ProtocolError('version', '');
    assert.match(await sayWhy([[GET_STATE, noDomain]], { error: version }), /another version/);
  });
});
