import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { targetKey } from '../../../src/engine/guest/target.ts';
import { fillIn } from '../../../src/engine/messages/message.ts';
import { summaryOf } from '../../../src/engine/transfers/copySummary.ts';
import type { CopySummary, Transfer } from '../../../src/engine/transfers/transfer.ts';
import {
  History,
  presentLast,
  presentThroughput,
  sparkline,
} from '../../../src/ui/statusBar/throughputText.ts';
import { localized } from '../../../src/ui/support/l10n.ts';
import { detailsText, detailsTitle } from '../../../src/ui/transfers/detailsText.ts';
import { nameOf, percentOf, progressText } from '../../../src/ui/transfers/progressText.ts';
import { presentTransfer } from '../../../src/ui/transfers/transferPresentation.ts';
import { hashesText, outcomeText, resultText } from '../../../src/ui/transfers/transferText.ts';
import { copied, link, outcome, progress, request, resultOf, said, sha256, target } from './samples.ts';

const identical = { ...copied, bytes: 0, skipped: true };
const kept = { ...identical, sha256: null, verified: false };
const unchanged = { ...kept, unchanged: true as const };
const broken = { ...kept, skipped: false, error: { code: 'no-space', message: 'x' } };

const failed: Transfer = { id: '1', request, state: 'failed' };
const detailsOf = (outcome: CopySummary) => detailsText({ ...failed, outcome });

describe('outcome of a copy', () => {
  it('the outcome counts verified, unchanged, skipped and failed files', () => {
    const judged = summaryOf(resultOf(copied, identical, unchanged, kept, broken), link, {});
    const { files, verified, identical: there, unchanged: same, skipped, failed } = judged;
    assert.deepEqual([files, verified, there, same, skipped, failed], [5, 2, 1, 1, 1, 1]);
    assert.equal(judged.failures.length, 1);
    assert.deepEqual(judged.hashes[0], { destination: '/srv/notes.txt', sha256 });
  });

  it('a file that arrived unverified counts as failed', () => {
    assert.equal(summaryOf(resultOf({ ...copied, verified: false }), link, {}).failed, 1);
  });

  it('failures of one kind are told once, with their number', () => {
    const files = Array.from({ length: 744 }, () => broken);
    const { failures } = summaryOf(resultOf(...files), link, {});
    assert.equal(failures.length, 1);
    assert.match(
      localized(failures[0] as never),
      /disk is full\. Make room there\. The same goes for 743 more files\.$/,
    );
  });

  it("failures don't mention com-dd's options", () => {
    const exists = { ...broken, error: { code: 'exists', message: '' } };
    const defect = { ...broken, error: { code: 'bad-request', message: '' } };
    const { failures } = summaryOf(resultOf(exists, defect), link, {});
    assert.doesNotMatch(failures.join('\n'), /com-dd|--conflict/);
  });

  const sentences: [string, string, Parameters<typeof resultOf>][] = [
    ['one file', 'Copied and verified: notes.txt → web:/srv/ (1.00 kB, 2.00 kB/s).', [copied]],
    ['the same file again', 'Already there and verified: notes.txt in web.', [identical]],
    ['a skipped file', 'Skipped notes.txt: a different file with this name exists in web.', [kept]],
    [
      'an unchanged folder',
      'Already up to date: 2 files in web (same size and time).',
      [unchanged, identical],
    ],
    ['skipped files', 'Skipped 2 files: different files with these names exist in web.', [kept, kept]],
    ['an empty folder', 'There were no files in notes.txt to copy to web.', []],
    ['the same files again', 'Already there and verified: 2 files in web.', [identical, identical]],
    [
      'a partly changed folder',
      'Copied and verified: 1 file → web:/srv/ (1.00 kB, 2.00 kB/s, 2 unchanged).',
      [copied, unchanged, unchanged],
    ],
    ['nothing to do', 'Nothing was copied to web: 1 unchanged, 1 skipped.', [unchanged, kept]],
    [
      'several files',
      'Copied and verified: 1 file → web:/srv/ (1.00 kB, 2.00 kB/s, 1 already there, 1 skipped).',
      [copied, identical, kept],
    ],
  ];
  for (const [what, sentence, files] of sentences) {
    it(`one sentence tells the outcome: ${what}`, () => {
      assert.equal(outcomeText(request, summaryOf(resultOf(...files), link, {})), sentence);
    });
  }

  it('unchanged files are not called skipped, nor skipped ones verified', () => {
    const wordOf = (...files: Parameters<typeof resultOf>) =>
      resultText({ ...summaryOf(resultOf(...files), link, {}), bytes: 0 });
    assert.equal(wordOf(unchanged, unchanged), 'unchanged');
    assert.equal(wordOf(copied, unchanged), 'verified');
    assert.equal(wordOf(kept), 'skipped');
    assert.equal(wordOf(copied, unchanged, kept), '1 skipped');
    const details = detailsOf(summaryOf(resultOf(copied, unchanged, kept), link, {}));
    assert.match(details, /^Files: 3\nVerified: 1\nUnchanged: 1\nSkipped: 1\n1000 bytes/m);
  });

  it('the outcome tells symbolic links from files with a SHA-256', () => {
    const made = { ...copied, sha256: null, symlink: true as const };
    const outcome = summaryOf(resultOf(copied, made, made), link, {});
    assert.match(
      outcomeText(request, outcome),
      /^Copied and verified: 3 files .*, 2 symbolic links among them\)/,
    );
    assert.match(detailsOf(outcome), /which have no SHA-256: 2\n/);
  });

  it('the outcome says where a copy was resumed', () => {
    const outcome = summaryOf({ ...resultOf(copied), resumedFrom: 500 }, link, {});
    assert.match(outcomeText(request, outcome), /, resumed at 500 B\)\.$/);
    assert.match(detailsOf(outcome), /500 bytes had arrived before/);
  });

  it('the details tell what could not be kept in the guest', () => {
    const noted = summaryOf(resultOf({ ...copied, notes: ['mode'] }), link, {});
    assert.match(
      detailsOf(noted),
      /^"\/srv\/notes\.txt": the guest's file system refused the permissions\.$/m,
    );
    assert.doesNotMatch(detailsOf(summaryOf(resultOf(copied), link, {})), /permissions/);
  });

  it('the outcome says that a file has grown since, and the details what that means', () => {
    const outcome = summaryOf(resultOf({ ...copied, changed: 'grown' }), link, {});
    assert.match(outcomeText(request, outcome), /1 grown since\)\.$/);
    const text = detailsOf(outcome).replaceAll('\n', ' ');
    assert.ok(
      text.includes(`"${copied.source}" has grown since, and the guest has its first 1000 bytes.`),
      text,
    );
  });

  it('the details say how many serial ports were used in parallel', () => {
    const linesOf = (lanes: number): string => detailsOf(summaryOf({ ...resultOf(copied), lanes }, link, {}));
    assert.match(
      linesOf(2),
      new RegExp(`^Link: virtio channel ${link.device}, with 2 serial ports in parallel$`, 'm'),
    );
    assert.match(linesOf(1), new RegExp(`^Link: virtio channel ${link.device}$`, 'm'));
  });

  it('the outcome doesn\'t say "verified" if a file failed', () => {
    for (const files of [[broken], [copied, broken], [broken, broken]]) {
      const text = outcomeText(request, summaryOf(resultOf(...files), link, {}));
      assert.doesNotMatch(text, /verified/);
      assert.match(text, /disk is full/);
    }
  });

  it('the details have everything about the copy', () => {
    const text = detailsOf(summaryOf(resultOf(copied, broken), link, {}));
    for (const part of [
      '/srv/',
      'qemu:///system',
      'virtio channel',
      'disk is full',
      sha256,
      'Files: 2\nVerified: 1\nFailed: 1\n',
    ]) {
      assert.ok(text.includes(part), part);
    }
    assert.match(
      detailsText({ ...failed, error: { code: 'x', message: said('No receiver.') } }),
      /No receiver\./,
    );
  });

  it('the details begin with what was copied where, and how it ended', () => {
    const done: Transfer = { id: '1', request, state: 'done', outcome };
    assert.equal(detailsTitle([done]), 'notes.txt → web');
    const startedAt = new Date(2026, 10, 30, 12, 18, 5).getTime();
    const text = detailsText({ ...done, startedAt, endedAt: startedAt + 61_000 });
    assert.match(text, /^notes\.txt → web\n\nCopied and verified: notes\.txt/);
    assert.match(text, /^Started: .*30.*2026.*:18:05.*$/m);
    assert.match(text, /^Ended: .*2026.*:19:06.*$/m);
    assert.match(
      detailsText({ ...failed, state: 'cancelled' }),
      /^notes\.txt → web\n\ncancelled\nIf you retry it/,
    );
  });

  it('the details have no long lines but hashes and paths', () => {
    const long = { ...failed, error: { code: 'x', message: said('so many words '.repeat(30)) } };
    for (const line of detailsText(long).split('\n')) assert.ok(line.length <= 76, line);
    assert.match(detailsOf(outcome), new RegExp(`^${sha256}  /srv/notes\\.txt$`, 'm'));
  });

  it("the details keep a guest's control characters and notation out", () => {
    const evil = { ...outcome, hashes: [{ destination: '/srv/\u001b[2J\nx', sha256 }] };
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
    assert.doesNotMatch(detailsOf(evil), /[\u0000-\u0009\u000b-\u001f]/);
  });

  it('hashes are listed as sha256sum checks them', () => {
    assert.equal(hashesText(outcome), sha256);
    const two = { ...outcome, hashes: [...outcome.hashes, { destination: '/b', sha256 }] };
    assert.equal(hashesText(two), `${sha256}  /srv/notes.txt\n${sha256}  /b`);
  });
});

describe('progress of a transfer', () => {
  it('progress shows name, percentage, bytes, rate and time left', () => {
    const numbers = '45% · 450 kB of 1.00 MB · 50.0 kB/s · 0:11 left';
    assert.equal(progressText(progress, 'a folder'), `notes.txt — ${numbers}`);
    assert.equal(progressText(progress, 'notes.txt'), numbers);
    const many = { ...progress, filesTotal: 12, filesDone: 3, etaSeconds: undefined };
    assert.match(progressText(many, ''), /50\.0 kB\/s · 3 of 12 files$/);
  });

  it('progress has no bytes where there are none to copy', () => {
    const nothing = { ...progress, bytesDone: 0, bytesTotal: 0, bytesPerSecond: 0, etaSeconds: undefined };
    assert.equal(progressText({ ...nothing, file: '', filesTotal: 0 }, 'notes.txt'), 'starting…');
    assert.equal(
      progressText({ ...nothing, filesDone: 1, filesTotal: 2 }, 'notes.txt'),
      '50% · 1 of 2 files',
    );
    assert.equal(progressText({ ...nothing, filesDone: 1 }, 'notes.txt'), '100%');
  });

  it('progress is 100% only when all files are finished', () => {
    assert.equal(percentOf([{ ...progress, bytesDone: 999_999 }]), 99);
    assert.equal(percentOf([{ ...progress, bytesDone: 1_000_000 }]), 99);
    assert.equal(percentOf([{ ...progress, bytesDone: 1_000_000, filesDone: 1 }]), 100);
    assert.equal(percentOf([{ ...progress, bytesDone: 0, bytesTotal: 0, filesDone: 1, filesTotal: 2 }]), 50);
    assert.equal(percentOf([]), 0);
  });

  it('paths and URIs are named by their last part', () => {
    assert.equal(nameOf('/a/b#1?.txt'), 'b#1?.txt');
    assert.equal(nameOf('memfs:/a/b%20c.txt?x=1'), 'b c.txt');
    assert.equal(nameOf('untitled:Untitled-1'), 'Untitled-1');
    assert.equal(nameOf('memfs:/100%'), '100%');
  });
});

describe('transfer in the Transfers view', () => {
  const show = (more: Partial<Transfer>) => presentTransfer({ id: '1', request, state: 'queued', ...more });

  it('a transfer shows file and guest, and its state in a few words', () => {
    assert.equal(show({}).label, 'notes.txt → web');
    assert.equal(show({}).accessibleLabel, 'Copy notes.txt to web: waiting');
    assert.equal(show({ state: 'running' }).description, 'looking for the receiver…');
    assert.equal(show({ state: 'running', progress }).description, '45% · 50.0 kB/s · 0:11 left');
    assert.equal(show({ state: 'done', outcome }).description, 'verified');
    const error = { code: 'x', message: said('A long sentence about the reason.') };
    assert.equal(show({ state: 'failed', error }).description, 'failed');
    assert.match(show({ state: 'failed', error }).tooltip, /A long sentence/);
    assert.match(show({ state: 'failed', error }).accessibleLabel, /to web: "A long sentence/);
    assert.equal(
      show({ state: 'failed', outcome: { ...outcome, failed: 1, files: 3 } }).description,
      '1 of 3 files failed',
    );
  });

  it('the tooltip tells why a transfer or some of its files failed', () => {
    const error = { code: 'x', message: said('Why.') };
    assert.match(show({ state: 'failed', error }).tooltip, /\n"Why\."$/);
    const failures = [said('First.'), said('Second.')];
    const tooltip = show({ state: 'failed', outcome: { ...outcome, failed: 2, files: 3, failures } }).tooltip;
    assert.match(tooltip, /\n2 of 3 files failed\n"First\."\n"Second\."$/);
  });

  it('a transfer offers the actions its state allows', () => {
    assert.equal(show({ state: 'running' }).contextValue, 'transfer active revealable');
    assert.equal(show({ state: 'done', outcome }).contextValue, 'transfer finished hashed revealable');
    assert.equal(show({ state: 'interrupted' }).contextValue, 'transfer finished retryable revealable');
    const unsaved = { ...request, sources: ['untitled:Untitled-1'] };
    assert.equal(show({ state: 'cancelled', request: unsaved }).contextValue, 'transfer finished retryable');
  });

  it('transfers to the same domain or port have the same key', () => {
    assert.equal(targetKey(target), targetKey({ ...target, name: 'renamed', link: 'serial1' }));
    assert.notEqual(targetKey(target), targetKey({ ...target, uri: 'qemu:///session' }));
    assert.notEqual(targetKey(target), targetKey({ kind: 'port', path: 'COM3' }));
  });
});

describe('status bar', () => {
  const running: Transfer = { id: '1', request, state: 'running', progress };

  it('the status bar says that a transfer waits for an answer', () => {
    const asking: Transfer = { id: '1', request, state: 'running', progress, asking: '/home/me/notes.txt' };
    assert.equal(presentThroughput([asking], []).text, '$(question) waiting for your answer');
    assert.match(presentTransfer(asking).description, /^waiting for your answer$/);
  });

  it('the status bar shows rate and percentage of all transfers together', () => {
    const other = { ...running, id: '2', progress: { ...progress, bytesDone: 950_000, etaSeconds: 20 } };
    const shown = presentThroughput([running, other, { id: '3', request, state: 'queued' }], [1, 2, 4]);
    assert.equal(shown.text, '$(cloud-upload) 100 kB/s 70%');
    for (const part of [
      '2 transfers',
      '1 waiting',
      'Effective: 100 kB/s',
      'wire: 110 kB/s',
      '0:20 left',
      '▃▅█',
    ]) {
      assert.ok(shown.tooltip.includes(part), `${part} in ${shown.tooltip}`);
    }
  });

  it('the status bar shows the last result', () => {
    assert.equal(presentLast({ ...running, state: 'done', outcome })?.text, '$(pass) verified');
    const large = { ...outcome, bytes: 1_000_000 };
    assert.equal(
      presentLast({ ...running, state: 'done', outcome: large })?.text,
      '$(pass) verified · 2.00 kB/s',
    );
    assert.equal(
      presentLast({ ...running, state: 'failed', error: { code: 'x', message: said('Why.') } })?.tooltip,
      '"Why."',
    );
    assert.equal(presentLast({ ...running, state: 'cancelled' }), undefined);
  });

  it('the status bar draws the rates of the last minute', () => {
    const history = new History(3);
    for (const value of [9, 1, 0, 2]) history.add(value);
    assert.deepEqual(history.values, [1, 0, 2]);
    assert.equal(sparkline(history.values), '▅▁█');
    assert.equal(sparkline([0, 0]), '▁▁');
  });
});

describe('texts without a translation', () => {
  it('texts without a translation are filled in', () =>
    assert.equal(fillIn('{0} of {1}{2}', 1, 'b'), '1 of b{2}'));
});
