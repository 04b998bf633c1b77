import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { columnsOf } from '../../../src/text/printable.ts';
import { wrapped } from '../../../src/text/wrapped.ts';

describe('wrapped text', () => {
  it('breaks between words, and leaves what has no blank whole', () => {
    assert.equal(wrapped('one two three', 8), 'one two\nthree');
    assert.equal(wrapped('- one two three', 8, '  '), '- one\n  two\n  three');
    assert.equal(wrapped(`a ${'/path'.repeat(40)} b`, 20), `a\n${'/path'.repeat(40)}\nb`);
  });

  it('breaks Japanese, but never before a full stop', () => {
    const lines = wrapped('このドメインは停止しています。'.repeat(10), 76).split('\n');
    assert.ok(lines.length > 1);
    for (const line of lines) {
      // A full stop may hang over.
      assert.ok(columnsOf(line) <= 78, line);
      assert.doesNotMatch(line, /^。/);
    }
  });
});
