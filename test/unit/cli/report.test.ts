import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  emptyResult,
  failures,
  grownNotes,
  isComplete,
  jsonFailure,
  jsonReport,
  summary,
} from '../../../src/cli/report.ts';
import type { CopyResult, FileResult } from '../../../src/transfer/index.ts';

const sha256 = 'ab'.repeat(32);
const copied: FileResult = {
  source: 'a',
  destination: '/tmp/a',
  bytes: 1000,
  sha256,
  verified: true,
  skipped: false,
};
const identical: FileResult = { ...copied, source: 'b', bytes: 0, skipped: true };
const grown: FileResult = { ...copied, source: 'g', changed: 'grown' };
const kept: FileResult = { ...copied, source: 'c', bytes: 0, sha256: null, verified: false, skipped: true };
const broken: FileResult = {
  ...kept,
  source: 'd',
  skipped: false,
  error: { code: 'no-space', message: 'x' },
};

function resultOf(...files: FileResult[]): CopyResult {
  return {
    files,
    bytes: 1000,
    wireBytes: 1100,
    seconds: 0.12345678,
    bytesPerSecond: 8100.4,
    resumedFrom: 0,
    lanes: 1,
  };
}

describe('JSON report', () => {
  it('has the keys that scripts rely on, in this order', () => {
    const report = jsonReport(resultOf(copied), 'serial1');
    assert.equal(
      JSON.stringify(report),
      `{"files":[{"source":"a","destination":"/tmp/a","bytes":1000,"sha256":"${sha256}","verified":true,` +
        '"skipped":false}],"bytes":1000,"wireBytes":1100,"seconds":0.123457,"bytesPerSecond":8100,' +
        '"link":"serial1","resumedFrom":0,"lanes":1}',
    );
  });

  it('tells an unchanged file from one that was skipped', () => {
    const { files } = jsonReport(resultOf({ ...kept, unchanged: true }, kept), 'serial1');
    assert.deepEqual(
      files.map(({ unchanged }) => unchanged),
      [true, undefined],
    );
  });

  it("gives a failed file's code and sentence", () => {
    const [file] = jsonReport(resultOf(broken), 'serial1').files;
    assert.equal(file?.error?.code, 'no-space');
    assert.match(file?.error?.message ?? '', /disk is full/);
  });

  it('lists the notes of a file and of folders, and has no such keys without any', () => {
    const folders = [{ source: 'd', destination: '/tmp/d', notes: ['mode'] }];
    const report = jsonReport({ ...resultOf({ ...copied, notes: ['times'] }, copied), folders }, 'serial1');
    assert.deepEqual(
      report.files.map(file => file.notes),
      [['times'], undefined],
    );
    assert.deepEqual(report.folders, folders);
    assert.equal('folders' in jsonReport(resultOf(copied), 'serial1'), false);
  });

  it('says of a file that it has grown since', () => {
    const [first, second] = jsonReport(resultOf(grown, copied), 'serial1').files;
    assert.equal(first?.changed, 'grown');
    assert.ok(second && !('changed' in second));
  });

  it('has the same keys when nothing was copied, and the reason', () => {
    const report = jsonFailure({ code: 'no-domain', message: 'There is none.' }, emptyResult(), null);
    assert.deepEqual(Object.keys(report), [...Object.keys(jsonReport(resultOf(), null)), 'error']);
    assert.deepEqual(report.error, { code: 'no-domain', message: 'There is none.' });
  });

  it('holds no numbers that JSON has not', () => {
    const report = jsonReport({ ...resultOf(), seconds: 0, bytesPerSecond: Number.NaN }, 'x');
    assert.equal(report.bytesPerSecond, 0);
  });
});

describe('summary', () => {
  it('is bytes, seconds, rate and the hash', () => {
    assert.equal(
      summary(resultOf(copied)),
      `1000 bytes copied, 0.123 s, 8100 bytes/s\nSHA-256 verified: ${sha256}\n`,
    );
  });

  it('tells what was not kept, grouped with a count', () => {
    const one = { ...copied, notes: ['mode', 'times'] };
    const lines = (result: CopyResult) => summary(result).split('\n').slice(2, -1);
    assert.deepEqual(lines(resultOf(one)), [
      '"/tmp/a": the guest\'s file system refused the permissions.',
      '"/tmp/a": the guest\'s file system refused the modification time.',
    ]);
    const folders = [{ source: 'd', destination: '/tmp/d', notes: ['mode', 'new-kind'] }];
    assert.deepEqual(lines({ ...resultOf(one, copied), folders }), [
      "2 files or folders: the guest's file system refused the permissions.",
      '"/tmp/a": the guest\'s file system refused the modification time.',
      '"/tmp/d": not everything was kept (new-kind).',
    ]);
  });

  it('counts files, and those that were there', () => {
    const line = (...files: FileResult[]) => summary(resultOf(...files)).split('\n')[1];
    assert.equal(line(identical), `SHA-256 verified: ${sha256} (already in the guest)`);
    assert.equal(line(copied, identical), 'SHA-256 verified: 2 of 2 files, 1 already in the guest');
    assert.equal(line(copied, kept), 'SHA-256 verified: 1 of 2 files, 1 skipped, another file has the name');
    assert.equal(
      line(copied, { ...kept, unchanged: true }),
      'SHA-256 verified: 1 of 2 files, 1 unchanged by size and time',
    );
    assert.equal(line(copied, broken), 'SHA-256 verified: 1 of 2 files');
    assert.equal(line(), 'SHA-256 verified: 0 of 0 files');
  });

  it('counts symbolic links by themselves: they have no SHA-256', () => {
    const lines = (...files: FileResult[]) =>
      summary(resultOf(...files))
        .split('\n')
        .slice(1, -1);
    const made: FileResult = { ...copied, bytes: 0, sha256: null, symlink: true };
    const there: FileResult = { ...made, skipped: true };
    const failed: FileResult = { ...broken, symlink: true };
    assert.deepEqual(lines(copied, made, there, failed), [
      `SHA-256 verified: ${sha256}`,
      'Symbolic links: 2 of 3, 1 already in the guest',
    ]);
    assert.deepEqual(lines(made, { ...kept, symlink: true }), [
      'Symbolic links: 1 of 2, 1 skipped, another file has the name',
    ]);
  });

  it('says where a copy was resumed', () => {
    assert.match(summary({ ...resultOf(copied), resumedFrom: 500 }), / bytes\/s, resumed at 500 bytes\n/);
  });
});

describe('what has grown since', () => {
  it('is told file by file, with how much the guest has', () => {
    const there: FileResult = { ...grown, bytes: 0, skipped: true };
    assert.deepEqual(grownNotes(resultOf(copied, grown, there)), [
      'note: "g" has grown since, and the guest has its first 1000 bytes. Copy it again if you want the rest.',
      'note: "g" has grown since, and the guest already had its first part. Copy it again if you want the rest.',
    ]);
    assert.ok(isComplete(resultOf(grown)));
  });
});

describe('what was not copied', () => {
  it('decides about the exit code', () => {
    assert.equal(isComplete(resultOf(copied, identical, kept)), true);
    assert.equal(isComplete(resultOf(copied, broken)), false);
    assert.equal(isComplete(resultOf({ ...copied, verified: false })), false);
  });

  it('is told file by file, with the count where there are several', () => {
    assert.deepEqual(failures(resultOf(copied), {}), []);
    assert.equal(failures(resultOf(broken), {}).length, 1);
    assert.equal(failures(resultOf(copied, broken), {}).at(-1), '1 of 2 files was not copied.');
    assert.equal(failures(resultOf(broken, broken), {}).at(-1), '2 of 2 files were not copied.');
  });

  it('is told once where many files fail for the same reason, while JSON keeps all', () => {
    const files = Array.from({ length: 744 }, (_, number) => ({ ...broken, destination: `/tmp/${number}` }));
    const missing = { ...broken, source: 'gone', error: { code: 'ENOENT', message: 'x' } };
    const exists = { ...broken, error: { code: 'exists', message: 'x' } };
    assert.deepEqual(failures(resultOf(...files, missing), {}), [
      '"/tmp/0" was not written: the guest\'s disk is full. Make room there. The same goes for 743 more files.',
      '"gone" doesn\'t exist on this computer. Check its name.',
      '745 of 745 files were not copied.',
    ]);
    assert.match(
      failures(resultOf(...Array(9).fill(exists)), {})[0] ?? '',
      /The same goes for 8 more files\. Use --conflict overwrite/,
    );
    assert.equal(
      jsonReport(resultOf(...files), null).files.filter(({ error }) => error?.message).length,
      744,
    );
  });

  it('is told by its own words where the receiver has a reason that nobody knows', () => {
    const odd = (says: string) => ({ ...broken, error: { code: 'io', message: 'x', says } });
    const told = failures(resultOf(...[...'abcd'].map(odd)), {});
    assert.equal(told.filter(sentence => /the guest reports "[abcd]" \(io\)/.test(sentence)).length, 4);
  });
});
