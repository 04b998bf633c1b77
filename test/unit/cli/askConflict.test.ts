import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { askConflict, conflictQuestion, parseAnswer } from '../../../src/cli/askConflict.ts';
import type { Conflict } from '../../../src/transfer/index.ts';
import { fakeTerminal } from './fakeTerminal.ts';

const conflict: Conflict = {
  source: 'notes.txt',
  destination: '/tmp/no\u001btes.txt',
  sourceInfo: { size: 1_200, mtimeMs: Date.parse('2026-01-02T03:04:05') },
  existing: { type: 'file', size: 7, mtimeMs: Number.NaN },
};
const never = new AbortController().signal;

describe('conflict question', () => {
  it('says what is there and what would come', () => {
    const question = conflictQuestion(conflict);
    assert.match(
      question,
      /^"\/tmp\/no\\x1btes\.txt" exists in the guest \(7 B of unknown time; yours: 1\.20 kB of 2026-01-02 03:04\)\.\n/,
    );
  });

  it('says if this very copy has made what is there', () => {
    assert.match(
      conflictQuestion({ ...conflict, isJustMade: true }),
      /^"\/tmp\/no\\x1btes\.txt" was just made by this copy, from another source \(7 B of/,
    );
  });

  it('understands letters, words and capitals for all', () => {
    assert.deepEqual(parseAnswer('o'), { action: 'overwrite' });
    assert.deepEqual(parseAnswer(' keep '), { action: 'rename' });
    assert.deepEqual(parseAnswer('S'), { action: 'skip', forAll: true });
    assert.deepEqual(parseAnswer('K'), { action: 'rename', forAll: true });
    assert.deepEqual(parseAnswer('C'), { action: 'cancel' });
    for (const nonsense of ['', 'x', 'yes', 'oo', 'o k']) assert.equal(parseAnswer(nonsense), undefined);
  });

  it('asks again until the answer makes sense', async () => {
    const terminal = fakeTerminal(true);
    const answer = askConflict(terminal, conflict, never);
    terminal.stdin.write('what?\n\n');
    terminal.stdin.write('s\n');
    assert.deepEqual(await answer, { action: 'skip' });
    assert.equal(terminal.err().split('[o]verwrite').length - 1, 3);
    assert.equal(terminal.out(), '');
  });

  it('takes the end of input and Ctrl-C for cancel', async () => {
    const terminal = fakeTerminal(true);
    const answer = askConflict(terminal, conflict, never);
    terminal.stdin.end();
    assert.deepEqual(await answer, { action: 'cancel' });
    const abort = new AbortController();
    const other = askConflict(fakeTerminal(true), conflict, abort.signal);
    abort.abort();
    assert.deepEqual(await other, { action: 'cancel' });
  });
});
