import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { LibvirtError, type LibvirtErrorCode } from 'libvirt';
import { CliError } from '../../../src/engine/guest/guestError.ts';
import { codeOfError, describeError } from '../../../src/engine/messages/describeError.ts';
import { describeFileError, isFileErrorCode } from '../../../src/engine/messages/fileMessages.ts';
import { LinkError } from '../../../src/link/index.ts';
import { ProtocolError, type ProtocolErrorCode, RemoteError } from '../../../src/protocol/index.ts';
import { abortError } from '../../../src/text/abort.ts';
import { type FileResult, TransferError } from '../../../src/transfer/index.ts';

const context = { uri: 'qemu:///system', domain: 'demo', source: 'a.txt', destination: '/tmp/b' };

function failed(code: string, message = 'internal words'): FileResult {
  const nothing = { bytes: 0, sha256: null, verified: false, skipped: false };
  return { source: 'a.txt', destination: '/tmp/b', ...nothing, error: { code, message } };
}

/** One line, one or two clauses, closed by a full stop, with nothing a terminal would obey. */
function assertSentence(text: string): void {
  assert.match(text, /^(?:["A-Z]|libvirt)[^\n]{10,}[.?]$/u);
  assert.doesNotMatch(text, /undefined|NaN|\[object|Error:| {4}at /);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  assert.doesNotMatch(text, /[\u0000-\u001f]/);
}

describe('sentences about a file', () => {
  it('exist for every error code of the protocol', () => {
    const specification = readFileSync(new URL('../../../guest/PROTOCOL.md', import.meta.url), 'utf8');
    const table = /### Error codes\n([\s\S]*?)\n## 6/.exec(specification)?.[1] ?? '';
    const rows = table.split('\n').filter(line => line.startsWith('| `'));
    const codes = rows.flatMap(row =>
      [...(row.split('|')[1] ?? '').matchAll(/`([a-z-]+)`/g)].map(match => match[1] ?? ''),
    );
    assert.ok(codes.length > 20, 'the table of PROTOCOL.md was not found');
    // `io` stands for any other error: what the receiver says about it is shown.
    const without = codes.filter(code => !isFileErrorCode(code) && code !== 'io');
    assert.deepEqual(without, []);
    for (const code of codes) assertSentence(describeFileError(failed(code)));
  });

  it('name the file concerned and what to do', () => {
    const say = (code: string) => describeFileError(failed(code), { user: 'joe', root: '/srv' });
    assert.equal(say('ENOENT'), '"a.txt" does not exist on this computer: check its name.');
    assert.equal(say('EACCES'), `"a.txt" can't be read: your user has no permission for it.`);
    assert.equal(
      say('permission'),
      `"/tmp/b" can't be written: the receiver's user "joe" has no permission for it in the guest.`,
    );
    assert.equal(
      say('outside-root'),
      '"/tmp/b" lies outside of the folder the receiver may write to, "/srv": choose a path inside it.',
    );
    assert.match(say('no-space'), /disk is full/);
    assert.match(say('exists'), /--conflict overwrite, skip, newer or rename/);
  });

  it('hold for codes nobody knows', () => {
    const text = describeFileError(failed('EWEIRD', 'strange\u001b[2J thing'));
    assertSentence(text);
    assert.match(text, /strange\\x1b\[2J thing \(EWEIRD\)/);
  });

  it('make names harmless', () => {
    const file = { ...failed('exists'), destination: '/tmp/\u001b]0;x\u0007' };
    assertSentence(describeFileError(file));
  });

  it('tell of a copy that the guest did not confirm', () => {
    const { error: _, ...file } = failed('');
    assert.match(describeFileError(file), /could not confirm its SHA-256/);
  });
});

describe('sentences about the whole copy', () => {
  const libvirtCodes: readonly LibvirtErrorCode[] = [
    'access-denied',
    'auth-failed',
    'bad-device',
    'bad-uri',
    'busy',
    'config',
    'connection-lost',
    'denied',
    'internal',
    'invalid-argument',
    'no-domain',
    'no-metadata',
    'no-socket',
    'operation-failed',
    'operation-invalid',
    'protocol',
    'read-only',
    'stalled',
    'stream-failed',
    'system',
    'timeout',
    'unsupported',
  ];

  it('exist for every error of libvirt', () => {
    for (const code of libvirtCodes)
      assertSentence(describeError(new LibvirtError(code, 'What it says'), context));
    const unknown = describeError(new LibvirtError('no-domain', 'x'), context);
    assert.equal(
      unknown,
      'There is no domain "demo" at qemu:///system: "com-dd --list" shows those there are.',
    );
    const readOnly = describeError(new LibvirtError('read-only', 'x'), context);
    assert.match(readOnly, /may only look.*usermod -aG libvirt/);
  });

  it('exist for every end of a session', () => {
    const codes: readonly ProtocolErrorCode[] = ['no-receiver', 'version', 'lost', 'closed', 'reset'];
    for (const code of codes) {
      assertSentence(describeError(new ProtocolError(code, 'x'), context));
      assertSentence(describeError(new ProtocolError(code, 'x')));
    }
    assert.match(
      describeError(new ProtocolError('version', 'x'), context),
      /domain "demo" speaks another version/,
    );
  });

  it('exist for an out path that cannot take the copy', () => {
    const notFolder = new TransferError('not-a-directory', 'x', '/tmp/b');
    assert.match(
      describeError(notFolder, context),
      /^"\/tmp\/b" is not a folder in the guest, which several files/,
    );
    assert.match(
      describeError(new TransferError('no-directory', 'x', '/q/'), context),
      /no folder "\/q\/" in the guest/,
    );
    const remote = new RemoteError('outside-root', 'x', new Map([['path', '/etc']]));
    assert.equal(
      describeError(remote, { ...context, root: '/srv' }),
      '"/etc" lies outside of the folder the receiver may write to, "/srv": choose a path inside it.',
    );
    assertSentence(describeError(new RemoteError('new-code', 'its words', new Map()), context));
  });

  it('hand on what is a sentence already, made harmless', () => {
    assert.equal(describeError(new LinkError('busy', 'The port \u001b is busy.')), 'The port \\x1b is busy.');
    assert.equal(describeError(new CliError('x', 'It is so.')), 'It is so.');
  });

  it('exist even for what nobody foresaw', () => {
    assertSentence(describeError(new Error('line one\n    at somewhere')).replace('\\n    at', ''));
    assertSentence(describeError('just text'));
    assert.equal(describeError(abortError(), context), 'The copy was cancelled.');
  });

  it('come with a code for scripts', () => {
    const codes = [
      new LinkError('busy', ''),
      new LibvirtError('no-domain', ''),
      new ProtocolError('lost', ''),
      new TransferError('no-directory', ''),
      new CliError('not-running', ''),
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
