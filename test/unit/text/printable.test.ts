import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { columnsOf, fitColumns, printable } from '../../../src/text/printable.ts';

describe('printable text', () => {
  it('leaves ordinary text of any language alone', () => {
    for (const text of ['notes.txt', 'C:\\Users\\x', 'Grüße – 你好 – 😀', 'it\'s "quoted"']) {
      assert.equal(printable(text), text);
    }
  });

  it('shows what would command a terminal, hide or reorder', () => {
    assert.equal(printable('a\u001b[2Jb\u0007'), 'a\\x1b[2Jb\\x07');
    assert.equal(printable('a\nb\rc\td'), 'a\\nb\\rc\\td');
    assert.equal(printable('\u009b31m\u007f'), '\\x9b31m\\x7f');
    assert.equal(printable('exe.\u202etxt\u200b\u2066'), 'exe.\\u{202e}txt\\u{200b}\\u{2066}');
    assert.equal(printable('\ud800x\u{e0041}\ufeff'), '\\u{d800}x\\u{e0041}\\u{feff}');
  });

  it('knows how wide text stands in a terminal', () => {
    assert.equal(columnsOf('abc'), 3);
    assert.equal(columnsOf('你好'), 4);
    assert.equal(columnsOf('e\u0301'), 1);
    assert.equal(columnsOf('😀'), 2);
  });

  it('cuts the start of what is too wide', () => {
    assert.equal(fitColumns('abcdef', 6), 'abcdef');
    assert.equal(fitColumns('abcdef', 4), '…def');
    assert.equal(fitColumns('你好你好', 4), '…好');
    assert.equal(fitColumns('abc', 0), '');
    assert.equal(fitColumns('abc', 1), '…');
  });
});
