import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AnswerReader, isLoginPrompt, isShellPrompt } from '../../../src/install/console/answers.ts';
import { pythonLine, shellLine } from '../../../src/install/console/bootstrapLine.ts';

const facts = { textLength: 30_000, chunkLength: 2000, sha256: 'ab', nonce: 'c0ffee', start: true };

function read(...texts: string[]): string[] {
  const answers: string[] = [];
  const reader = new AnswerReader('gw-c0ffee', words => answers.push(words.join(' ')));
  for (const text of texts) reader.push(text);
  return answers;
}

describe("the bootstrap's answers", () => {
  it('are found wherever the text is cut, between other lines, colours and kernel messages', () => {
    const text =
      'root@demo:~# \r\n\x1b[0mgw-c0ffee ready\x1b[K\r\n[   12.3] usb 1-1: newgw-c0ffee got 2000\r\nx\r\n';
    assert.deepEqual(read(text), ['ready', 'got 2000']);
    assert.deepEqual(read(...text), ['ready', 'got 2000']);
  });

  it('are not the echo of what was typed, nor those of another run', () => {
    assert.deepEqual(read(`$ ${shellLine('c0ffee')}\r\n${pythonLine(facts)}\r\ngw-abcdef ready\r\n`), []);
  });

  it('cost no memory when a line never ends', () => {
    assert.deepEqual(read(...Array<string>(2000).fill('x'.repeat(1000)), '\r\ngw-c0ffee end\r\n'), ['end']);
  });
});

describe('the last line of a console', () => {
  it('is told to be a prompt of a shell, whatever its colours', () => {
    const prompts = [
      '/ # ',
      'root@demo:~# ',
      '\x1b[01;32mme@demo\x1b[00m:\x1b[34m~\x1b[0m$ ',
      'PS C:\\> ',
      '~ ❯ ',
    ];
    for (const line of prompts) assert.ok(isShellPrompt(line), line);
    const others = [
      '',
      'demo login: ',
      'Password: ',
      '[  OK  ] Started x.',
      'done $ 5 of 6',
      'Password for root# : ',
    ];
    for (const line of others) assert.ok(!isShellPrompt(line), line);
  });
});

describe('the lines typed', () => {
  it('fit into the line of a small busybox, and of a terminal', () => {
    assert.ok(shellLine('0123456789ab').length < 255);
    assert.ok(pythonLine({ ...facts, sha256: 'a'.repeat(64) }).length < 4095);
  });

  it('hold nothing that a shell or a terminal understands otherwise', () => {
    const [, quoted = ''] = /^ python3 -c '(.*)'$/.exec(shellLine('c0ffee')) ?? [];
    assert.doesNotMatch(quoted, /['\\!$`]/);
    assert.match(pythonLine(facts), /^[\x20-\x7e]+$/);
  });
});

describe('a login', () => {
  it('is told from a shell', () => {
    for (const prompt of ['demo login: ', 'Password: ', '\x1b[0mdebian12 login:'])
      assert.ok(isLoginPrompt(prompt), prompt);
    for (const prompt of ['root@demo:~# ', '$ ', '~ # \x1b[6n', '', 'last login was:x']) {
      assert.ok(!isLoginPrompt(prompt), prompt);
    }
  });
});
