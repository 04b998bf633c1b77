// The serial console and what is sent through it, with a real guest; without VS Code, which only shows the text.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, before, describe, it } from 'node:test';
import { connect, type Domain, type LibvirtConnection } from 'libvirt';
import type { ManagedConnection } from '../../../src/engine/connections/managedConnection.ts';
import { defaultConsole } from '../../../src/engine/console/chooseConsole.ts';
import { ConsoleSession } from '../../../src/engine/console/consoleSession.ts';
import { DomainConsole } from '../../../src/engine/console/domainConsole.ts';
import * as engine from '../../../src/engine/engine.ts';
import { sendReceiver } from '../../../src/install/console/sendReceiver.ts';
import { parseDomainDevices, rankCandidates } from '../../../src/link/index.ts';
import { localized } from '../../../src/ui/support/l10n.ts';
import type { Guest } from '../../support/guest.ts';
import type { PrivateLibvirtd } from '../../support/libvirtd.ts';
import { repositoryRoot } from '../../support/paths.ts';
import { isSoon } from '../../support/polling.ts';
import { SetUp } from '../../support/setUp.ts';

const receiver = fs.readFileSync(path.join(repositoryRoot, 'dist/guest/receiver.py'));
/** Busybox asks the terminal where the cursor is. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence is what it looks for
const PROMPT = /[#$] (\x1b\[6n)?$/;
const sha256 = createHash('sha256').update(receiver).digest('hex');

describe('the serial console of a real guest', () => {
  const setUp = new SetUp();
  let libvirtd: PrivateLibvirtd;
  let guest: Guest;
  let connection: LibvirtConnection;
  let domain: Domain;
  const sessions: ConsoleSession[] = [];

  before(async () => {
    libvirtd = await setUp.privateLibvirtd();
    guest = await setUp.guest({ name: 'console', startReceiver: false });
    connection = await connect(libvirtd.uri);
    setUp.atEnd(() => connection.close()); // the one there is by then
    domain = await connection.lookupByName(guest.name);
  });

  afterEach(() => {
    for (const session of sessions.splice(0)) session.dispose();
  });

  /** A terminal with the console in it, and everything it has shown. */
  async function open(takeOver = false) {
    const use: ManagedConnection['use'] = async work => {
      if (connection.closed) connection = await connect(libvirtd.uri);
      return work(connection);
    };
    const devices = parseDomainDevices(await use(one => one.domainXml(domain)));
    const candidate = defaultConsole({ devices, candidates: rankCandidates(devices) });
    assert.ok(candidate);
    assert.equal(candidate.device, 'serial0');
    const managed = { uri: libvirtd.uri, use } as ManagedConnection;
    const source = new DomainConsole(
      { connection: managed, domain: { ...domain, state: 'running' } },
      candidate,
      {
        loadEngine: async () => engine,
        confirmTakeOver: async () => takeOver,
      },
    );
    const session = new ConsoleSession(source, localized);
    sessions.push(session);
    const shown = { text: '' };
    session.output.on(text => {
      shown.text += text;
    });
    await session.connect({ rows: 24, columns: 80 });
    const shows = async (pattern: RegExp) => {
      const isShown = () => pattern.test(shown.text);
      assert.ok(await isSoon(isShown, 60_000), `${pattern} in ${JSON.stringify(shown.text.slice(-600))}`);
    };
    return { session, shown, shows };
  }

  it('runs what is typed, and is interrupted by Ctrl-C', async () => {
    const { session, shows } = await open();
    session.input('\r');
    await shows(PROMPT);
    session.input('uname -s; echo $((6*7))-answer\r');
    await shows(/Linux\r\n42-answer/);
    // Not before it runs: while the shell edits its line, Ctrl-C means something else.
    session.input('sh -c "echo up-$((1+1)); exec sleep 1000"\r');
    await shows(/up-2/);
    session.input('\x03');
    session.input('echo status=$?\r');
    await shows(/status=130/);
  });

  it('takes a large paste whole', async () => {
    const { session, shows } = await open();
    const lines = Array.from({ length: 3000 }, (_, index) => `line ${index} ${'é'.repeat(20)}`);
    session.input('stty -echo; echo off-$((1+1)); cat > /tmp/pasted; stty echo; echo pasted-$((1+1))\r');
    await shows(/off-2/);
    session.input(`${lines.join('\r')}\r`);
    session.input('\x04');
    await shows(/pasted-2/);
    const expected = createHash('sha256')
      .update(`${lines.join('\n')}\n`)
      .digest('hex');
    assert.equal(await guest.sha256('/tmp/pasted'), expected);
  });

  it('shows a flood of output whole', async () => {
    const { session, shown, shows } = await open();
    session.input('seq 1 20000; echo flood-$((1+1))\r');
    await shows(/flood-2/);
    const numbers = [...shown.text.matchAll(/^(\d+)\r$/gm)].map(([, number]) => Number(number));
    assert.equal(numbers.filter((number, index) => number === index + 1).length, 20_000);
  });

  it('is refused to a second terminal, until that says to take it over', async () => {
    const first = await open();
    const second = await open();
    assert.equal(second.session.state, 'ended');
    assert.match(second.shown.text, /in use by another client/);
    assert.equal(first.session.state, 'open');
  });

  it('takes the receiver through the shell, verified and started', async () => {
    const { session, shown, shows } = await open();
    session.input('\r');
    await shows(PROMPT);
    session.input('half a command');
    const conversation = session.converse();
    assert.ok(conversation);
    const shares: number[] = [];
    const sent = await sendReceiver({
      conversation,
      receiver,
      start: true,
      onProgress: share => shares.push(share),
    });
    conversation.release();
    assert.equal(sent.sha256, sha256);
    assert.deepEqual(sent.started?.running, true, sent.started?.said);
    assert.equal(shares.at(-1), 1);
    const file = (
      await guest.mustRun('ls /root/guestwire-receiver.py /guestwire-receiver.py 2>/dev/null || true')
    ).trim();
    assert.equal(await guest.sha256(file), sha256);
    // The terminal is as it was: it echoes, and edits lines.
    session.input('echo still-$((1+1))\r');
    await shows(/still-2/);
    assert.match(shown.text, /echo still-\$\(\(1\+1\)\)/);
  });

  it('says that no shell took the command', async () => {
    const { session } = await open();
    session.input('cat > /dev/null\r');
    const conversation = session.converse();
    assert.ok(conversation);
    const patience = { readyMs: 1500, answerMs: 1500 };
    await assert.rejects(sendReceiver({ conversation, receiver, start: false, patience }), {
      code: 'no-shell',
    });
    conversation.release();
    session.input('\x03');
  });

  it("ends with words when libvirt's daemon goes away, and comes back", async () => {
    const { session, shows } = await open();
    await libvirtd.restartLibvirtd('SIGKILL');
    await shows(/the libvirt daemon disconnected\. Press Enter/);
    session.input('\r');
    await shows(/the libvirt daemon disconnected[\s\S]*Connected to serial0/);
    session.input('echo again-$((1+1))\r');
    await shows(/again-2/);
  });

  it('ends with words when the domain stops', async () => {
    const { shows } = await open();
    await guest.forceOff();
    await shows(/the domain was stopped\. Press Enter/);
  });
});
