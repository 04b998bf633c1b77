import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProgressLine, progressText } from '../../../src/cli/progressLine.ts';
import { columnsOf } from '../../../src/text/printable.ts';
import { formatBytes, formatDuration } from '../../../src/text/units.ts';
import type { CopyProgress } from '../../../src/transfer/index.ts';
import { fakeTerminal } from './fakeTerminal.ts';

const progress: CopyProgress = {
  file: '/home/me/notes.txt',
  filesDone: 0,
  filesTotal: 1,
  bytesDone: 1_200_000,
  bytesTotal: 2_670_000,
  wireBytes: 1_210_000,
  bytesPerSecond: 51_770,
  wireBytesPerSecond: 52_000,
  etaSeconds: 28.4,
};

describe('progress line', () => {
  it('shows name, share, bytes, rate and time left', () => {
    assert.equal(progressText(progress, 79), 'notes.txt  44%  1.20 MB of 2.67 MB  51.8 kB/s  0:29 left');
  });

  it('counts files when there are several', () => {
    const text = progressText({ ...progress, filesDone: 3, filesTotal: 12, etaSeconds: undefined }, 79);
    assert.equal(text, 'notes.txt  44%  1.20 MB of 2.67 MB  51.8 kB/s  3/12 files');
  });

  it('does not say 100 % while bytes are missing, nor more than 100 %', () => {
    assert.match(progressText({ ...progress, bytesDone: 2_669_999 }, 79), / 99% /);
    assert.match(progressText({ ...progress, bytesDone: 2_670_000 }, 79), / 100% /);
    assert.match(progressText({ ...progress, bytesDone: 9_670_000 }, 79), / 100% .*9\.67 MB of 9\.67 MB/);
  });

  it('goes by files where there are no bytes', () => {
    const empty = { ...progress, bytesDone: 0, bytesTotal: 0, filesDone: 1, filesTotal: 4 };
    assert.equal(progressText(empty, 79), 'notes.txt  25%  51.8 kB/s  0:29 left  1/4 files');
    assert.match(progressText({ ...empty, filesDone: 0, filesTotal: 0 }, 79), / 0% /);
  });

  it('never takes more columns than there are', () => {
    const long = { ...progress, file: `/x/${'你好 long name '.repeat(20)}.txt` };
    for (const columns of [60, 79, 120]) assert.ok(columnsOf(progressText(long, columns)) <= columns);
    const terminal = fakeTerminal(true, 30);
    new ProgressLine(terminal.stderr, false).show(long);
    assert.ok(columnsOf(terminal.err().replaceAll('\r\u001b[K', '')) <= 29);
  });

  it('leaves whole parts out where there is little room, and never cuts a number', () => {
    const many = { ...progress, bytesPerSecond: 40_500, filesDone: 3, filesTotal: 12 };
    assert.equal(progressText(many, 19), '44%  40.5 kB/s');
    assert.equal(progressText(many, 29), '44%  40.5 kB/s  0:29 left');
    assert.equal(progressText(many, 47), '44%  1.20 MB of 2.67 MB  40.5 kB/s  0:29 left');
    const whole = ['44%', '1.20 MB of 2.67 MB', '40.5 kB/s', '0:29 left', '3/12 files'];
    for (let columns = 0; columns < 90; columns++) {
      const terminal = fakeTerminal(true, columns + 1);
      new ProgressLine(terminal.stderr, false).show(many);
      const text = terminal.err().replaceAll('\r\u001b[K', '');
      assert.ok(columnsOf(text) <= columns, text);
      const parts = text.split('  ').filter(part => part !== '' && /\d/.test(part));
      for (const part of parts) assert.ok(whole.includes(part), `${columns}: ${text}`);
    }
  });

  it("makes control characters in a file's name visible", () => {
    assert.match(progressText({ ...progress, file: '/a/x\u001b[31m\ny' }, 79), /^x\\x1b\[31m\\ny {2}44%/);
  });

  it('prints nothing without a terminal or when it has to be quiet', () => {
    for (const [isTTY, quiet] of [
      [false, false],
      [true, true],
    ] as const) {
      const terminal = fakeTerminal(isTTY);
      const line = new ProgressLine(terminal.stderr, quiet);
      line.text('looking');
      line.show(progress);
      line.clear();
      assert.equal(terminal.err(), '');
    }
  });

  it('leaves a clean line behind', () => {
    const terminal = fakeTerminal(true);
    const line = new ProgressLine(terminal.stderr, false);
    line.clear();
    assert.equal(terminal.err(), '');
    line.show(progress);
    line.clear();
    assert.ok(terminal.err().endsWith('left\r\u001b[K'));
  });
});

describe('units', () => {
  it('writes bytes with three digits', () => {
    const texts = [0, 1, 999, 999.6, 1000, 9_994, 9_996, 51_770, 99_960, 999_499, 999_500, 295e6, 1.5e12].map(
      formatBytes,
    );
    assert.deepEqual(texts, [
      '0 B',
      '1 B',
      '999 B',
      '1.00 kB',
      '1.00 kB',
      '9.99 kB',
      '10.0 kB',
      '51.8 kB',
      '100 kB',
      '999 kB',
      '1.00 MB',
      '295 MB',
      '1.50 TB',
    ]);
  });

  it('writes durations as a clock does', () => {
    assert.deepEqual([0, 0.2, 59.1, 61, 3599.5, 3661].map(formatDuration), [
      '0:00',
      '0:01',
      '1:00',
      '1:01',
      '1:00:00',
      '1:01:01',
    ]);
  });
});
