// A message in Japanese has no English left in it, whatever names it is about: names that look like words of the
// catalogue stay names.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { describeError } from '../../../src/engine/messages/describeError.ts';
import { ENGLISH, type MessageId } from '../../../src/engine/messages/english.ts';
import { describeFileError } from '../../../src/engine/messages/fileMessages.ts';
import { candidateReason, linkLabel } from '../../../src/engine/messages/linkMessages.ts';
import { fillIn, type Message, message, render } from '../../../src/engine/messages/message.ts';
import { localized, setTranslation } from '../../../src/ui/support/l10n.ts';
import { candidateReasons, candidates, errorsOfEveryLayer } from './errorSamples.ts';

const bundle: Record<string, string> = JSON.parse(
  readFileSync(new URL('../../../media/l10n/bundle.l10n.ja.json', import.meta.url), 'utf8'),
);
const ids = Object.keys(ENGLISH) as MessageId[];

/** Names of programs, standards and keys, and what a user types: the same in every language. */
const SAME_EVERYWHERE =
  /「[^「」]*(?:systemctl|usermod|stty|receiver\.py|receiver\.ps1)[^「」]*」|Guestwire|libvirtd?|virtio|virsh console|QEMU|SPICE|inode|Windows|SASL|UR[IL]|\/tmp\/|SHA-256|Ctrl-C|Enter|ssh|pty|qemu:\/\/\/system|console=|org\.guestwire\.0|org\.libvirt\.unix\.manage|polkit|D-Bus/g;

/** Awkward names: each is, or holds, words of the catalogue or a placeholder. */
const AWKWARD = [
  'port',
  'a debug port takes no input',
  'The link to {0} was closed',
  'domain "x" on its serial port',
  '{1} {0}',
  "can't be opened: (in use by another program)",
];

/** What is left of a text without names and what is the same everywhere. */
function rest(text: string, name: string): string {
  return text.replaceAll(name, '').replaceAll(SAME_EVERYWHERE, '');
}

function assertJapanese(what: Message, name: string): void {
  const text = localized(what);
  assert.doesNotMatch(rest(text, name), /[A-Za-z]{2,}/, text);
  assert.doesNotMatch(rest(text, name), /\{\d\}/, text);
}

describe('messages in Japanese', () => {
  before(() => setTranslation((text, ...values) => fillIn(bundle[text] ?? text, ...values)));
  after(() => setTranslation(fillIn));

  it('have a translation each, with the same placeholders', () => {
    const placeholders = (text: string) => [...new Set(text.match(/\{\d\}/g))].sort();
    for (const id of ids) {
      const translated = bundle[ENGLISH[id]] ?? '';
      assert.deepEqual(placeholders(translated), placeholders(ENGLISH[id]), `${id}: ${translated}`);
    }
  });

  it('have no English left in any message of the catalogue', () => {
    for (const name of AWKWARD)
      for (const id of ids) assertJapanese(message(id, ...Array<string>(4).fill(name)), name);
  });

  it('have no English left whatever error of whatever layer they are about', () => {
    const codes = ['ENOENT', 'permission', 'outside-root', 'no-space', 'bad-request', 'no-directory'];
    for (const name of AWKWARD) {
      const context = { uri: name, domain: name, source: name, destination: name, user: name, root: name };
      for (const error of errorsOfEveryLayer(name, codes))
        assertJapanese(describeError(error, context), name);
      for (const code of codes) {
        assertJapanese(
          describeFileError({ source: name, destination: name, error: { code } }, context),
          name,
        );
      }
    }
  });

  it('have no English left about links and why they are not tried', () => {
    for (const name of AWKWARD) {
      for (const candidate of candidates(name)) assertJapanese(linkLabel(candidate), name);
      for (const reason of candidateReasons(name)) assertJapanese(candidateReason(reason), name);
    }
    assert.equal(localized(candidateReason({ code: 'no-input' })), 'デバッグポートは入力を受け付けません');
  });
});

describe('the catalogue', () => {
  it('leaves placeholders in values alone', () => {
    const text = render(message('join.list', '{1}', '{0}'), {
      translate: fillIn,
      neutralize: text => text,
    });
    assert.equal(text, '{1}, {0}');
  });

  it('numbers the placeholders of every message from 0 without a gap', () => {
    for (const id of ids) {
      const numbers = [...new Set(ENGLISH[id].match(/(?<=\{)\d(?=\})/g) ?? [])].map(Number).sort();
      assert.deepEqual(
        numbers,
        numbers.map((_, index) => index),
        id,
      );
    }
  });

  it('uses no wording that the guide for texts rules out', () => {
    const ruledOut =
      /\bcan ?not\b|\b(?:is|are) to (?:be|have)\b|, for (?:no|it|the)\b|\bdoes not\b|\bdo not\b/;
    for (const id of ids) assert.doesNotMatch(ENGLISH[id], ruledOut, id);
  });
});
