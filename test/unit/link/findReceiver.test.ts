import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { worded } from '../../../src/cli/wording.ts';
import { describeError } from '../../../src/engine/messages/describeError.ts';
import {
  type Candidate,
  findReceiver,
  isLinkError,
  type Link,
  LinkError,
  parseDomainDevices,
  type ReceiverSearch,
  rankCandidates,
} from '../../../src/link/index.ts';
import { abortError } from '../../../src/text/abort.ts';
import type { Occupant } from '../../../src/text/prompts.ts';
import { type MockClock, mockClock } from '../../support/mockClock.ts';
import { domainXml, fixtureDevices, serialXml } from './fixtures.ts';

const channel = (state: string) =>
  `<channel type='unix'><target type='virtio' name='org.guestwire.0' state='${state}'/></channel>`;
const candidatesOf = (devices: string) => rankCandidates(parseDomainDevices(domainXml(devices)));
const threeLinks = candidatesOf(serialXml(0) + serialXml(1) + serialXml(2) + channel('connected'));

const TOTAL_MS = 400;

type Behaviour = 'answers' | 'silent' | 'busy' | 'broken' | 'other-version' | 'never-opens' | Occupant;

/** A search over links that behave as told, keyed by device; `opened` are those that were. */
function fakeSearch(candidates: readonly Candidate[], behaviours: Record<string, Behaviour>) {
  const opened = new Map<string, Link>();
  const search: ReceiverSearch<string> = {
    domainName: 'demo',
    osFamily: 'other',
    candidates,
    staggerMs: 20,
    handshakeTimeoutMs: 150,
    totalTimeoutMs: TOTAL_MS,
    open: async (candidate, signal) => {
      const behaviour = behaviours[candidate.device] ?? 'silent';
      if (behaviour === 'busy') throw new LinkError('busy', 'busy');
      if (behaviour === 'broken') throw new Error('broken');
      if (behaviour === 'never-opens') await untilAborted(signal);
      const link = { stream: new PassThrough(), description: candidate };
      opened.set(candidate.device, link);
      return link;
    },
    handshake: async (link, signal) => {
      const behaviour = behaviours[link.description.device] ?? 'silent';
      if (behaviour === 'answers') return { session: `session on ${link.description.device}` };
      if (behaviour === 'other-version') throw new Error('other version');
      if (isOccupant(behaviour)) return { occupant: behaviour };
      await untilAborted(signal).catch(() => undefined);
      return undefined;
    },
  };
  return { search, opened };
}

function isOccupant(behaviour: Behaviour): behaviour is Occupant {
  return ['login', 'shell', 'terminal'].includes(behaviour);
}

async function untilAborted(signal: AbortSignal): Promise<never> {
  await new Promise(resolve => signal.addEventListener('abort', resolve));
  throw abortError();
}

/** Of a search that has all the time it may take. */
async function failureOf(clock: MockClock, search: ReceiverSearch<string>): Promise<LinkError> {
  const searching = findReceiver(search).then(
    () => assert.fail('a receiver was found'),
    error => error,
  );
  const error = await clock.during(TOTAL_MS, searching);
  assert.ok(isLinkError(error), String(error));
  return error;
}

describe('search for a receiver', () => {
  it('takes the best link that answers and opens no other', async t => {
    const clock = mockClock(t);
    const { search, opened } = fakeSearch(threeLinks, { 'org.guestwire.0': 'answers', serial1: 'answers' });
    const found = await findReceiver(search);
    assert.equal(found.session, 'session on org.guestwire.0');
    assert.equal(found.link.stream.destroyed, false);
    assert.deepEqual(found.passedOver, []);
    await clock.advance(TOTAL_MS);
    assert.deepEqual([...opened.keys()], ['org.guestwire.0']);
  });

  it('goes on to the next and closes the silent ones', async t => {
    const clock = mockClock(t);
    const { search, opened } = fakeSearch(threeLinks, { serial2: 'answers' });
    const found = await clock.during(TOTAL_MS, findReceiver(search));
    assert.equal(found.session, 'session on serial2');
    assert.deepEqual(
      found.passedOver.map(link => link.device),
      ['org.guestwire.0', 'serial1'],
    );
    const destroyed = [...opened].map(([device, link]) => [device, link.stream.destroyed]);
    assert.deepEqual(destroyed, [
      ['org.guestwire.0', true],
      ['serial1', true],
      ['serial2', false],
    ]);
  });

  it('does not abort the signal of the link it took', async t => {
    const clock = mockClock(t);
    const { search } = fakeSearch(threeLinks, { serial1: 'answers' });
    let signalOfWinner: AbortSignal | undefined;
    const handshake: typeof search.handshake = async (link, signal) => {
      if (link.description.device === 'serial1') signalOfWinner = signal;
      return search.handshake(link, signal);
    };
    await clock.during(2 * TOTAL_MS, findReceiver({ ...search, handshake }));
    assert.equal(signalOfWinner?.aborted, false);
  });

  it('never opens what may carry a login', async t => {
    const clock = mockClock(t);
    const { search, opened } = fakeSearch(threeLinks, {});
    await failureOf(clock, search);
    assert.deepEqual([...opened.keys()].sort(), ['org.guestwire.0', 'serial1', 'serial2']);
  });

  it('says in one sentence where nobody answered and what to do', async t => {
    const clock = mockClock(t);
    const links = candidatesOf(serialXml(0) + serialXml(1) + serialXml(2) + channel('disconnected'));
    const { search } = fakeSearch(links, { serial2: 'busy' });
    const error = await failureOf(clock, search);
    assert.equal(error.code, 'no-receiver');
    assert.equal(
      worded(describeError(error)),
      'No receiver answered in domain "demo" on its isa-serial port serial1, isa-serial port serial2 (in use by ' +
        'another program) or virtio channel org.guestwire.0 (no program in the guest has it open). Start one in ' +
        'the guest with "python3 receiver.py" and try again.',
    );
  });

  it('goes on at once where somebody else is', async t => {
    const clock = mockClock(t);
    const { search } = fakeSearch(threeLinks, {
      'org.guestwire.0': 'terminal',
      serial1: 'login',
      serial2: 'answers',
    });
    const found = await clock.during(0, findReceiver(search));
    assert.equal(found.session, 'session on serial2');
    assert.deepEqual(
      found.passedOver.map(link => link.device),
      ['org.guestwire.0', 'serial1'],
    );
  });

  it('says who is there, and what to do', async t => {
    const clock = mockClock(t);
    const links = candidatesOf(serialXml(0) + serialXml(1) + serialXml(2));
    const { search } = fakeSearch(links, { serial1: 'login', serial2: 'terminal' });
    const error = await failureOf(clock, search);
    assert.equal(error.code, 'no-receiver');
    assert.equal(
      worded(describeError(error)),
      'No receiver answered in domain "demo" on its isa-serial port serial1 (a login waits there) or isa-serial ' +
        'port serial2 (a terminal is there, such as a shell or a login). Start one in the guest with "python3 ' +
        'receiver.py" on another port, or stop what waits there first.',
    );
    const named = links.find(({ device }) => device === 'serial1');
    const alone = { ...fakeSearch(links, { serial1: 'shell' }).search, named };
    assert.match(
      worded(describeError(await failureOf(clock, { ...alone, domainName: undefined }))),
      /serial1 \(a shell waits there\)\. Stop what waits there, start a receiver in the guest/,
    );
  });

  it('leaves the stream alone that is being ended in order', async t => {
    const clock = mockClock(t);
    const { search, opened } = fakeSearch(threeLinks, { serial2: 'answers' });
    const handshake: typeof search.handshake = async (link, signal) => {
      const greeting = await search.handshake(link, signal);
      if (!greeting) link.stream.end('last words');
      return greeting;
    };
    await clock.during(TOTAL_MS, findReceiver({ ...search, handshake }));
    const link = opened.get('serial1');
    assert.equal(link?.stream.destroyed, false);
    assert.equal(link?.stream.read()?.toString(), 'last words');
  });

  it('ends in time when a link never opens', async t => {
    const clock = mockClock(t);
    const { search } = fakeSearch(threeLinks, { 'org.guestwire.0': 'never-opens', serial1: 'never-opens' });
    assert.equal((await failureOf(clock, search)).code, 'no-receiver');
  });

  it('closes a link that opens late', async t => {
    const clock = mockClock(t);
    const { search } = fakeSearch(threeLinks, { serial1: 'answers' });
    const opening = Promise.withResolvers<void>();
    const late = { stream: new PassThrough(), description: threeLinks[0] as Candidate };
    const open: typeof search.open = async (candidate, signal) => {
      if (candidate.device === 'serial1') return search.open(candidate, signal);
      await opening.promise;
      return late;
    };
    const found = await clock.during(TOTAL_MS, findReceiver({ ...search, open }));
    assert.equal(found.session, 'session on serial1');
    opening.resolve();
    await clock.advance(0);
    assert.equal(late.stream.destroyed, true);
  });

  it('reports a receiver that answered and cannot be used, rather than silence', async t => {
    const clock = mockClock(t);
    const { search, opened } = fakeSearch(threeLinks, { serial1: 'other-version' });
    await assert.rejects(clock.during(TOTAL_MS, findReceiver(search)), { message: 'other version' });
    assert.equal(opened.get('serial1')?.stream.destroyed, true);
  });

  it('reports the first error when nothing could be opened at all', async () => {
    const { search } = fakeSearch(threeLinks, {
      'org.guestwire.0': 'broken',
      serial1: 'broken',
      serial2: 'busy',
    });
    await assert.rejects(findReceiver(search), { message: 'broken' });
  });

  it('stops when cancelled, before and during', async t => {
    const clock = mockClock(t);
    const { search, opened } = fakeSearch(threeLinks, {});
    const abort = new AbortController();
    const cancellable = { ...search, signal: abort.signal };
    const failing = assert.rejects(findReceiver(cancellable), { name: 'AbortError' });
    await clock.advance(10);
    abort.abort();
    await failing;
    for (const link of opened.values()) assert.equal(link.stream.destroyed, true);
    await assert.rejects(findReceiver(cancellable), { name: 'AbortError' });
  });

  it('tells what to name or to add when nothing may be tried', async t => {
    const clock = mockClock(t);
    const nameable = fakeSearch(rankCandidates(fixtureDevices('virtio-only')), {});
    const error = await failureOf(clock, nameable.search);
    assert.equal(error.code, 'no-link');
    assert.match(worded(describeError(error)), /name it: console0, console1\.$/);
    assert.deepEqual(error.available, ['console0', 'console1']);
    assert.match(
      worded(describeError(await failureOf(clock, fakeSearch([], {}).search))),
      /Add a second serial port or a virtio channel/,
    );
  });

  it('is about the channel that nobody has open when that is all there is', async t => {
    const clock = mockClock(t);
    const error = await failureOf(
      clock,
      fakeSearch(candidatesOf(serialXml(0) + channel('disconnected')), {}).search,
    );
    assert.equal(error.code, 'no-receiver');
    assert.match(
      worded(describeError(error)),
      /on its virtio channel org\.guestwire\.0 \(no program in the guest has it open\)\. Start/,
    );
  });

  it('tries a named link whatever it is, and no other', async t => {
    const clock = mockClock(t);
    const named = threeLinks.find(candidate => candidate.device === 'serial0');
    const { search, opened } = fakeSearch(threeLinks, { serial0: 'answers', serial1: 'answers' });
    assert.equal((await findReceiver({ ...search, named })).session, 'session on serial0');
    assert.deepEqual([...opened.keys()], ['serial0']);
    const silent = fakeSearch(threeLinks, {});
    const windows = { ...silent.search, osFamily: 'windows' as const, named };
    assert.match(
      worded(describeError(await failureOf(clock, windows))),
      /on its isa-serial port serial0\. Start .*receiver\.ps1/,
    );
  });

  it('hands on that a named link is busy', async t => {
    const clock = mockClock(t);
    const named = threeLinks.find(candidate => candidate.device === 'serial1');
    const error = await failureOf(clock, { ...fakeSearch(threeLinks, { serial1: 'busy' }).search, named });
    assert.equal(error.code, 'busy');
  });
});
