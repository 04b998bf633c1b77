import assert from 'node:assert/strict';
import { type Duplex, duplexPair } from 'node:stream';
import { describe, it } from 'node:test';
import { worded } from '../../../src/cli/wording.ts';
import { ConsoleSession, type ConsoleSource } from '../../../src/engine/console/consoleSession.ts';
import { message } from '../../../src/engine/messages/message.ts';
import { pollUntil } from '../../support/polling.ts';

const busy = new Error('busy');

interface FakeSource extends ConsoleSource {
  readonly opened: boolean[];
  readonly guests: Duplex[];
}

/** `failures`: what the first openings reject with. */
function fakeSource(failures: Error[] = [], takeOver = false): FakeSource {
  const opened: boolean[] = [];
  const guests: Duplex[] = [];
  return {
    name: message('console.name', 'serial0', 'demo'),
    opened,
    guests,
    open: async ({ takeOver: force }) => {
      opened.push(force);
      const failure = failures.shift();
      if (failure) throw failure;
      const [host, guest] = duplexPair();
      guests.push(guest);
      return host;
    },
    isBusy: error => error === busy,
    confirmTakeOver: async () => takeOver,
    whyClosed: async error => message('quoted', `Not opened: ${(error as Error).message}.`),
    whyEnded: async error => message('quoted', error === undefined ? 'It ended.' : 'It failed.'),
  };
}

function start(source: FakeSource) {
  const session = new ConsoleSession(source, worded);
  const shown = { text: '' };
  session.output.on(text => {
    shown.text += text;
  });
  return { session, shown, connected: session.connect({ rows: 30, columns: 100 }) };
}

async function received(guest: Duplex | undefined, length: number): Promise<string> {
  let text = '';
  guest?.on('data', chunk => {
    text += chunk;
  });
  await pollUntil('the guest has read it', () => text.length >= length);
  return text;
}

describe('a console in a terminal', () => {
  it("keeps a guest's hands off the clipboard and the terminal's history", async () => {
    const source = fakeSource();
    const { session, shown, connected } = start(source);
    await connected;
    const heard = { text: '' };
    session.converse()?.listen(text => {
      heard.text += text;
    });
    const output = 'a\x1b]52;c;YQ==\x07\x1b]633;E;rm -rf ~\x07\x1b[31mb';
    source.guests[0]?.write(output);
    await pollUntil('it was shown', () => shown.text.endsWith('b'));
    assert.ok(shown.text.endsWith('a\x1b[31mb'), JSON.stringify(shown.text));
    assert.equal(heard.text, output);
  });

  it('passes keys and bytes as they are', async () => {
    const source = fakeSource();
    const { session, shown, connected } = start(source);
    await connected;
    assert.equal(session.state, 'open');
    const keys = 'uname -a\r\x03\x04\x1b[A\x7f雪';
    session.input(keys);
    assert.equal(await received(source.guests[0], Buffer.byteLength(keys) - 2), keys);
    source.guests[0]?.write('\x1b[31mred\x1b[0m');
    await pollUntil('it shows', () => shown.text.includes('\x1b[31mred\x1b[0m'));
    session.dispose();
  });

  it('says that a serial line has no window size, and how to set it', async () => {
    const { session, shown, connected } = start(fakeSource());
    await connected;
    assert.match(shown.text, /stty rows 30 cols 100/);
    session.resize({ rows: 12, columns: 105 });
    assert.equal(session.sizeCommand, ' stty rows 12 cols 105\r');
    session.dispose();
  });

  it('says why it ended, restores the terminal and connects again on Enter', async () => {
    const source = fakeSource();
    const { session, shown, connected } = start(source);
    await connected;
    source.guests[0]?.end();
    await pollUntil('it ended', () => session.state === 'ended');
    assert.match(shown.text, /\["It ended." Press Enter to connect again.\]/);
    assert.ok(shown.text.includes('\x1b[?1047l\x1b[!p'));
    session.input('x');
    assert.equal(session.state, 'ended');
    session.input('\r');
    await pollUntil('it is open again', () => session.state === 'open');
    assert.deepEqual(source.opened, [false, false]);
    session.dispose();
  });

  it('is refused when busy, and never taken over unasked', async () => {
    const source = fakeSource([busy]);
    const { session, shown, connected } = start(source);
    await connected;
    assert.equal(session.state, 'ended');
    assert.deepEqual(source.opened, [false]);
    assert.match(shown.text, /Not opened: busy/);
  });

  it('is taken over when a person says so', async () => {
    const source = fakeSource([busy], true);
    const { session, connected } = start(source);
    await connected;
    assert.deepEqual([session.state, source.opened], ['open', [false, true]]);
    session.dispose();
  });

  it('is not taken over because of another failure', async () => {
    const source = fakeSource([new Error('off')], true);
    const { session, connected } = start(source);
    await connected;
    assert.deepEqual([session.state, source.opened], ['ended', [false]]);
  });

  it('destroys a stream that opens after the terminal was closed', async () => {
    const source = fakeSource();
    const { session, connected } = start(source);
    session.dispose();
    await connected;
    let closed = false;
    source.guests[0]?.resume().on('end', () => {
      closed = true;
    });
    session.input('x');
    await pollUntil('the stream is destroyed', () => closed || source.guests[0]?.destroyed === true);
  });

  it('keeps the last line, which may be a prompt', async () => {
    const source = fakeSource();
    const { session, connected } = start(source);
    await connected;
    source.guests[0]?.write(`${'x'.repeat(1000)}\r\ndemo login: `);
    await pollUntil('it came', () => session.lastLine === 'demo login: ');
    session.dispose();
  });
});

describe('a conversation in a console', () => {
  it('holds back keys, shows what is said, and ends at Ctrl-C', async () => {
    const source = fakeSource();
    const { session, shown, connected } = start(source);
    await connected;
    const conversation = session.converse();
    assert.ok(conversation);
    assert.equal(session.converse(), undefined);
    const heard: string[] = [];
    conversation.listen(text => heard.push(text));
    session.input('ls\r');
    conversation.send('by the program');
    assert.equal(await received(source.guests[0], 14), 'by the program');
    source.guests[0]?.write('answer');
    await pollUntil('it is heard', () => heard.join('') === 'answer');
    assert.ok(shown.text.endsWith('answer'));
    session.input('\x03');
    assert.equal(conversation.signal.aborted, true);
    conversation.release();
    assert.ok(session.converse());
    session.dispose();
  });

  it('ends with the console', async () => {
    const source = fakeSource();
    const { session, connected } = start(source);
    await connected;
    const conversation = session.converse();
    source.guests[0]?.end();
    await pollUntil('it is told', () => conversation?.signal.aborted === true);
  });
});
