// What a guest's output can and can't do to the terminal that shows it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GuestOutput } from '../../../src/engine/console/guestOutput.ts';

function filtered(...chunks: string[]): string {
  const output = new GuestOutput();
  return chunks.map(chunk => output.push(chunk)).join('');
}

/** The same whatever the pieces it comes in: each is cut in two at every place, and once into single characters. */
function everyWay(text: string): string {
  const whole = filtered(text);
  for (let cut = 1; cut < text.length; cut += 1) {
    assert.equal(
      filtered(text.slice(0, cut), text.slice(cut)),
      whole,
      `cut at ${cut} of ${JSON.stringify(text)}`,
    );
  }
  assert.equal(filtered(...text), whole);
  return whole;
}

describe("a guest's output in the terminal", () => {
  const unchanged: [string, string][] = [
    ['text of many languages', 'a\r\nb\tÄ 日本語 🙂\u00a0é'],
    ['colours and cursor movements', '\x1b[1;31mred\x1b[0m\x1b[2J\x1b[10;5H\x1b[?1049h\x1b[38;2;1;2;3m'],
    ['other escape sequences', '\x1b(0lqk\x1b(B\x1b7\x1b8\x1b=\x1bM\x1b#8\x1b%G\x1b ]52'],
    ['8-bit CSI', 'a\x9b31mb'],
    ['colours of the palette', '\x1b]4;1;rgb:ff/00/00\x07\x1b]104\x07'],
    [
      'questions for the colours',
      '\x1b]10;?\x1b\\\x1b]11;?\x07\x1b]12;#fff\x07\x1b]110\x07\x1b]111\x07\x1b]112\x07',
    ],
    ['links to web pages', '\x1b]8;id=1;https://example.org/?q=1;2\x1b\\page\x1b]8;;\x1b\\'],
    ['an 8-bit end', '\x1b]11;?\x9c'],
  ];
  for (const [what, text] of unchanged) {
    it(`${what} go through unchanged`, () => assert.equal(everyWay(text), text));
  }

  const taken: [string, string][] = [
    ['the clipboard', '\x1b]52;c;cm0gLXJmIH4=\x07'],
    [
      'commands for VS Code to run again',
      '\x1b]633;A\x07\x1b]633;E;rm -rf ~;nonce\x07\x1b]633;C\x07\x1b]633;D;0\x1b\\',
    ],
    ["other terminals' marks", '\x1b]133;A\x1b\\\x1b]1337;SetMark\x07\x1b]1337;File=inline=1:AAAA\x07'],
    ['the current folder', '\x1b]7;file://localhost/etc\x07\x1b]9;9;C:\\\x07'],
    ['notifications', '\x1b]9;Click me\x07\x1b]777;notify;a;b\x07'],
    ['the title of the tab', '\x1b]0;bash\x07\x1b]1;bash\x07\x1b]2;bash\x1b\\\x1b]l bash\x1b\\'],
    [
      'links to files and commands',
      '\x1b]8;;file:///etc/passwd\x07\x1b]8;;command:workbench.x\x07\x1b]8;https://a\x07',
    ],
    [
      'device control, images and messages',
      '\x1bPq#0;2;0;0;0\x1b\\\x1b_Gf=24;AAAA\x1b\\\x1b^x\x1b\\\x1bXx\x1b\\',
    ],
    ['8-bit forms', '\x9d52;c;YQ==\x9c\x9d633;E;x\x07\x90q\x9c\x9fG\x9c\x9ex\x9c\x98x\x9c'],
    ['numbers with zeros', '\x1b]0052;c;YQ==\x07\x1b]000000000052;c;YQ==\x07'],
    ['numbers that control characters take apart', '\x1b]5\n2;c;YQ==\x07\x1b]\x006\x0133;E;x\x07'],
    ['one ended by the next', '\x1b]52;c;YQ==\x1b]633;E;x\x1b]0;t\x07'],
    ['one that is broken off', '\x1b]52;c;YQ\x18\x1b]633;E\x1a'],
    ['one without a number', '\x1b]\x07\x1b];52\x07\x1b]x\x07'],
  ];
  for (const [what, sequence] of taken) {
    it(`${what}: nothing of it gets through`, () => {
      assert.equal(everyWay(`before${sequence}after`), 'beforeafter');
    });
  }

  it('a control character between ESC and the bracket hides nothing', () => {
    assert.equal(everyWay('a\x1b\n]52;c;YQ==\x07b'), 'a\nb');
    assert.equal(everyWay('a\x1b\x7f]52;c;YQ==\x07b'), 'ab');
    assert.equal(everyWay('a\x1b\x1b]52;c;YQ==\x07b'), 'ab');
    assert.equal(everyWay('a\x1b[3\x1b]52;c;YQ==\x07b'), 'a\x1b[3b');
    assert.equal(everyWay('a\x1b\x9d52;c;YQ==\x07b'), 'ab');
  });

  it('a C1 character breaks a control string off and begins its own', () => {
    assert.equal(everyWay('a\x1b]11;?\x9b31mb'), 'a\x9b31mb');
    assert.equal(everyWay('a\x1bPx\x9d52;c;YQ==\x07b'), 'ab');
  });

  it('an ESC that ends a control string may begin another sequence', () => {
    assert.equal(everyWay('a\x1b]52;c;x\x1b[31mb'), 'a\x1b[31mb');
    assert.equal(everyWay('a\x1b]11;?\x1b[31mb'), 'a\x1b]11;?\x1b\\\x1b[31mb');
  });

  it('what is passed on never leaves the terminal within a control string', () => {
    for (const rest of ['\x1b]11;rgb:', '\x1b]8;;https://e', '\x1bPq', '\x1b]52;c;', '\x1b']) {
      assert.equal(filtered(`a${rest}`), 'a');
    }
  });

  it('a control string without an end takes no memory, and ends like any other', () => {
    const output = new GuestOutput();
    assert.equal(output.push('\x1b]11;'), '');
    const piece = 'x'.repeat(64 * 1024);
    const before = process.memoryUsage().heapUsed;
    for (let count = 0; count < 2000; count += 1) assert.equal(output.push(piece), '');
    // 125 MB have gone in.
    assert.ok(process.memoryUsage().heapUsed - before < 64 * 1024 * 1024);
    assert.equal(output.push('\x07after'), 'after');
    assert.equal(output.push('\x1b]11;?\x07'), '\x1b]11;?\x07');
  });

  it('any pieces of anything give the same, and no forbidden sequence', () => {
    const parts = [
      '\x1b',
      ']',
      '[',
      'P',
      '\\',
      '52;',
      '633;',
      '8;;',
      '11;',
      '?',
      '\x07',
      '\x9c',
      '\x9d',
      '\x18',
      'a',
      '\n',
    ];
    let seed = 1;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      return (seed >> 8) % below;
    };
    for (let round = 0; round < 3000; round += 1) {
      const text = Array.from({ length: 1 + random(24) }, () => parts[random(parts.length)]).join('');
      const whole = filtered(text);
      assert.equal(filtered(...text), whole, JSON.stringify(text));
      assert.equal(filtered(whole), whole, JSON.stringify(text));
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what an OSC begins with
      assert.doesNotMatch(whole, /(\x1b\]|\x9d)(52|633)/, JSON.stringify(text));
    }
  });
});
