// What the layers below say is found again, whatever it is about.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { LibvirtError, type LibvirtErrorCode } from 'libvirt';
import { notRunning } from '../../../src/engine/guest/findDomain.ts';
import { describeError } from '../../../src/engine/messages/describeError.ts';
import { describeFileError } from '../../../src/engine/messages/fileMessages.ts';
import { fillIn, setTranslation } from '../../../src/engine/support/l10n.ts';
import { SENTENCES, translated } from '../../../src/engine/support/sentences.ts';
import { parseDomainDevices, rankCandidates } from '../../../src/link/index.ts';
import { ProtocolError, type ProtocolErrorCode } from '../../../src/protocol/index.ts';
import { copied, domainOf } from './samples.ts';

const read = (name: string) => fs.readFileSync(new URL(`../../../src/${name}`, import.meta.url), 'utf8');

/** Keys of the tables in a source file, which are error codes. */
function codesIn(source: string, pattern: RegExp): string[] {
  const codes = [...source.matchAll(pattern)].map(([, code = '']) => code);
  assert.ok(codes.length > 4, `only ${codes.join(', ')} found`);
  return codes;
}

describe('sentences of the layers below', () => {
  before(() => setTranslation(message => `known: ${message}`));
  after(() => setTranslation(fillIn));

  const isKnown = (text: string) => assert.match(translated(text), /^known: /, text);
  const context = { uri: 'qemu:///system', domain: 'web', destination: '/srv/' };

  it('about a file', () => {
    const codes = codesIn(read('engine/messages/fileMessages.ts'), /^\s+\[?'([\w-]+)',(?: |$)/gm);
    // It speaks of com-dd's options; the UI has words of its own for it, and for a receiver that is too old.
    const others = ['exists', 'bad-request', 'unsupported', 'too-many', 'internal'];
    for (const code of [...codes, 'unverified', 'never-heard-of'].filter(one => !others.includes(one))) {
      const file = { ...copied, error: { code, message: 'why' } };
      isKnown(describeFileError(file));
      isKnown(describeFileError(file, { user: 'me', root: '/srv' }));
    }
  });

  it('about a session with a receiver', () => {
    const codes: ProtocolErrorCode[] = ['no-receiver', 'lost', 'closed', 'reset'];
    for (const code of codes) isKnown(describeError(new ProtocolError(code, ''), context));
  });

  it('about libvirt', () => {
    const worded = codesIn(read('engine/messages/describeError.ts'), /^ {2}'?([\w-]+)'?: \(\{[^}]*\}\) =>/gm);
    const others = ['no-domain'];
    for (const code of worded.filter(one => !others.includes(one))) {
      isKnown(describeError(new LibvirtError(code as LibvirtErrorCode, 'it says'), context));
    }
  });

  it('about a domain that does not run', () => {
    for (const state of ['shutoff', 'shutdown', 'crashed', 'paused', 'pmsuspended'] as const) {
      isKnown(notRunning(domainOf('web', state), state)?.message ?? '');
    }
  });

  it('about links', () => {
    const channel = (name: string) =>
      `<channel type="unix"><target type="virtio" name="${name}" state="disconnected"/></channel>`;
    const xml = `<domain><os><cmdline>console=ttyS2</cmdline></os><devices>
      ${[0, 1, 2].map(port => `<serial type="pty"><target type="isa-serial" port="${port}"/></serial>`).join('')}
      <console type="pty"><target type="virtio" port="1"/></console>
      ${['org.guestwire.0', 'org.qemu.guest_agent.0', 'com.redhat.spice.0', 'x'].map(channel).join('')}
    </devices></domain>`;
    const candidates = rankCandidates(parseDomainDevices(xml));
    assert.equal(candidates.length, 8);
    for (const { label, reason } of candidates) {
      isKnown(label);
      isKnown(reason);
    }
  });

  it('keep what is in them, and any other text stays as it is', () => {
    setTranslation(fillIn);
    for (const sentence of SENTENCES) {
      const text = fillIn(sentence, '"a (b)"', '"c: d"', '"e"');
      assert.equal(translated(text), text);
    }
    assert.equal(translated('Nothing of ours.'), 'Nothing of ours.');
  });
});
