import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { LibvirtError } from 'libvirt';
import { worded } from '../../../src/cli/wording.ts';
import { GuestError } from '../../../src/engine/guest/guestError.ts';
import { codeOfError, describeError, type ErrorContext } from '../../../src/engine/messages/describeError.ts';
import {
  describeFileError,
  type FileMessageContext,
  isFileErrorCode,
} from '../../../src/engine/messages/fileMessages.ts';
import { LinkError } from '../../../src/link/index.ts';
import { ProtocolError, RemoteError } from '../../../src/protocol/index.ts';
import { abortError } from '../../../src/text/abort.ts';
import { SameNameError, TransferError } from '../../../src/transfer/index.ts';
import { localized } from '../../../src/ui/support/l10n.ts';
import { errorsOfEveryLayer, LOG_WORDS } from './errorSamples.ts';

const context = { uri: 'qemu:///system', domain: 'demo', source: 'a.txt', destination: '/tmp/b' };

const failed = (code?: string) => ({
  source: 'a.txt',
  destination: '/tmp/b',
  ...(code === undefined ? {} : { error: { code } }),
});
const sayFile = (code?: string, facts?: FileMessageContext) => worded(describeFileError(failed(code), facts));
const say = (error: unknown, facts?: ErrorContext) => worded(describeError(error, facts));

/** Whole sentences, with nothing a terminal would obey. */
function assertSentence(text: string): void {
  assert.match(text, /^(?:["A-Z]|libvirt)[^\n]{10,}[.?]$/u);
  assert.doesNotMatch(text, /undefined|NaN|\[object|Error:| {4}at |\{\d\}/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  assert.doesNotMatch(text, /[\u0000-\u001f]/);
}

/** Those in PROTOCOL.md's table. */
function protocolFileCodes(): string[] {
  const specification = readFileSync(new URL('../../../guest/PROTOCOL.md', import.meta.url), 'utf8');
  const table = /### Error codes\n([\s\S]*?)\n## 6/.exec(specification)?.[1] ?? '';
  const rows = table.split('\n').filter(line => line.startsWith('| `'));
  const codes = rows.flatMap(row =>
    [...(row.split('|')[1] ?? '').matchAll(/`([a-z-]+)`/g)].map(match => match[1] ?? ''),
  );
  assert.ok(codes.length > 20, 'the table of PROTOCOL.md was not found');
  return codes;
}

describe('a message about a file', () => {
  it('exists for every error code of the protocol', () => {
    const codes = protocolFileCodes();
    // `io` stands for any other error, and is shown as a code.
    assert.deepEqual(
      codes.filter(code => !isFileErrorCode(code) && code !== 'io'),
      [],
    );
    for (const code of codes) assertSentence(sayFile(code));
  });

  it('names the file concerned and what to do', () => {
    const facts = { user: 'joe', root: '/srv' };
    assert.equal(sayFile('ENOENT'), '"a.txt" doesn\'t exist on this computer. Check its name.');
    assert.equal(sayFile('EACCES'), 'You don\'t have permission to read "a.txt".');
    assert.equal(
      sayFile('permission', facts),
      '"/tmp/b" can\'t be written: the receiver\'s user "joe" has no permission for it in the guest.',
    );
    assert.equal(
      sayFile('outside-root', facts),
      '"/tmp/b" is outside "/srv", the folder the receiver can write to. Choose a path inside it.',
    );
    assert.match(sayFile('no-space'), /disk is full/);
    assert.match(sayFile('exists'), /--conflict overwrite, skip, newer or rename/);
  });

  it('gives the code where nobody knows it', () => {
    assertSentence(sayFile('EWEIRD'));
    assert.match(sayFile('EWEIRD\u001b[2J'), /\(EWEIRD\\x1b\[2J\)/);
  });

  it("shows the receiver's own words where there are none of ours", () => {
    const error = { code: 'io', says: 'Input/output \u001b error' };
    assert.equal(
      worded(describeFileError({ ...failed(), error })),
      '"a.txt" was not copied to "/tmp/b": the guest reports "Input/output \\x1b error" (io).',
    );
  });

  it('makes names harmless on a terminal', () => {
    const file = { ...failed('exists'), destination: '/tmp/\u001b]0;x\u0007' };
    assertSentence(worded(describeFileError(file)));
  });

  it('says that the guest did not confirm the hash', () => {
    assert.match(sayFile(), /couldn't confirm its SHA-256/);
  });
});

describe('a message about the whole copy', () => {
  it('exists for every error of every layer, with names or without', () => {
    for (const error of errorsOfEveryLayer('x', protocolFileCodes())) {
      assertSentence(say(error, context));
      assertSentence(say(error));
    }
  });

  it('never has the words that an error has for logs, in com-dd or in VS Code', () => {
    const errors = errorsOfEveryLayer('x', protocolFileCodes());
    assert.ok(errors.length > 150);
    for (const error of errors) {
      const message = describeError(error, context);
      assert.ok(!worded(message).includes(LOG_WORDS), worded(message));
      assert.ok(!localized(message).includes(LOG_WORDS), localized(message));
      assert.ok(!JSON.stringify(message).includes(LOG_WORDS), JSON.stringify(message));
    }
  });

  it('names the domain, the connection and what to do', () => {
    assert.equal(
      say(new LibvirtError('no-domain', ''), context),
      'There is no domain "demo" at qemu:///system. "com-dd --list" shows the domains.',
    );
    assert.match(
      say(new LibvirtError('read-only', ''), context),
      /read-only access to qemu:\/\/\/system and can't copy into its domains\. (?:You|There) /,
    );
    assert.match(say(new ProtocolError('version', ''), context), /domain "demo" speaks another version/);
  });

  it('gives no cause that nobody has looked up', () => {
    const gone = (subject: string) =>
      say(new LibvirtError('no-socket', '', { reason: 'not-listening', subject }), context);
    assert.match(gone('/var/run/libvirt/libvirt-sock'), /"sudo systemctl start libvirtd"\.$/);
    assert.match(gone('/var/run/libvirt/virtqemud-sock'), /"sudo systemctl start virtqemud"\.$/);
    assert.match(gone('/run/user/7/libvirt/libvirt-sock'), /Start the daemon that serves it\.$/);
    assert.equal(
      say(new LibvirtError('stream-failed', '', { says: 'eof' }), context),
      'libvirt ended the link to domain "demo". libvirt says: "eof".',
    );
    const denied = new LinkError('device-permission', '', { device: '/nosuch/folder/ttyUSB0' });
    assert.match(
      say(denied),
      /^You don't have permission to open "\/nosuch\/folder\/ttyUSB0"\. A folder on the way/,
    );
  });

  it("shows the daemon's own words where they say more", () => {
    const error = new LibvirtError('internal', '', { says: 'no \u001b space' });
    assert.equal(
      say(error, context),
      'libvirt at qemu:///system reported an error. libvirt says: "no \\x1b space".',
    );
  });

  it('exists for an out path that cannot take the copy', () => {
    const notFolder = new TransferError('not-a-directory', '', '/tmp/b');
    assert.match(say(notFolder, context), /^"\/tmp\/b" is not a folder in the guest\. Copying several files/);
    const noFolder = new TransferError('no-directory', '', '/q/');
    assert.match(say(noFolder, context), /no folder "\/q\/" in the guest/);
    const remote = new RemoteError('outside-root', '', new Map([['path', '/etc']]));
    assert.match(say(remote, { ...context, root: '/srv' }), /^"\/etc" is outside "\/srv"/);
  });

  it('names sources that have one name in the guest', () => {
    assert.equal(
      say(new SameNameError('c', ['c', 'o/c']), context),
      '"c" and "o/c" would both be called "c" in the guest, so nothing was copied. Copy them one by one to different folders.',
    );
    assert.equal(
      sayFile('just-made'),
      '"a.txt" was not copied: this copy has already put something else at "/tmp/b". Copy it by itself to another folder. Or use --conflict skip or rename.',
    );
  });

  it('comes with a code for scripts', () => {
    const codes = [
      new LinkError('busy', ''),
      new LibvirtError('no-domain', ''),
      new ProtocolError('lost', ''),
      new TransferError('no-directory', ''),
      new GuestError({ code: 'not-running', domain: 'x', state: 'paused' }),
      abortError(),
      new Error(''),
    ].map(codeOfError);
    assert.deepEqual(codes, [
      'busy',
      'no-domain',
      'lost',
      'no-directory',
      'not-running',
      'aborted',
      'internal',
    ]);
  });
});
