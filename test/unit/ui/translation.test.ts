// Every text has a Japanese translation. A text that is changed in English alone fails here, so that it is not shown in
// two languages at once.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import { ENGLISH } from '../../../src/engine/messages/english.ts';

const root = new URL('../../../', import.meta.url);
const readText = (name: string) => fs.readFileSync(new URL(name, root), 'utf8');
const readTexts = (name: string): Record<string, string> => JSON.parse(readText(name));
const manifest = JSON.parse(readText('package.json'));

/** All that call `l10n.t`. */
function sourceFiles(): string[] {
  const filesIn = (folder: string) =>
    fs
      .readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.ts'))
      .map(name => `${folder}/${name}`);
  return [...filesIn('src/engine'), ...filesIn('src/ui'), 'src/extension.ts'];
}

/** First arguments of `l10n.t(…)`: string literals, or what stands there instead. */
function messagesOf(source: string): string[] {
  const calls = source.matchAll(
    /(?<!vscode\.)\bl10n\.t\(\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^'"\s].{0,30})/g,
  );
  return [...calls].map(([, argument = '']) => argument);
}

/** The value of a literal as JavaScript has it. */
function stringOf(literal: string): string {
  const json = literal.startsWith("'")
    ? `"${literal
        .slice(1, -1)
        .replaceAll("\\'", "'")
        .replaceAll(/(?<!\\)"/g, '\\"')}"`
    : literal;
  return JSON.parse(json);
}

const placeholders = (text: string) => [...new Set(text.match(/\{\d+\}/g))].sort();
const links = (text: string) => [...text.matchAll(/\]\(([^)]*)\)/g)].map(([, target]) => target);
const code = (text: string) => [...text.matchAll(/`+[^`]+`+/g)].map(([words]) => words).sort();

describe('the Japanese translation', () => {
  const literals = sourceFiles().flatMap(file =>
    messagesOf(readText(file)).map(literal => ({ file, literal })),
  );

  it('every message in the source is a literal, so that it can be found', () => {
    assert.ok(literals.length > 150, `only ${literals.length} messages found`);
    for (const { file, literal } of literals) assert.match(literal, /^['"]/, `${file}: l10n.t(${literal}`);
  });

  it('the Japanese bundle has exactly the messages of the source', () => {
    const bundle = readTexts(`${manifest.l10n}/bundle.l10n.ja.json`);
    const used = [
      ...new Set([...literals.map(({ literal }) => stringOf(literal)), ...Object.values<string>(ENGLISH)]),
    ];
    assert.deepEqual(
      used.filter(message => !bundle[message]),
      [],
      'not translated',
    );
    assert.deepEqual(
      Object.keys(bundle).filter(message => !used.includes(message)),
      [],
      'no longer used',
    );
  });

  it('the Japanese messages have the same placeholders and icons', () => {
    for (const [english, japanese] of Object.entries(readTexts(`${manifest.l10n}/bundle.l10n.ja.json`))) {
      assert.deepEqual(placeholders(japanese), placeholders(english), english);
      assert.deepEqual(japanese.match(/\$\([\w-]+\)/g), english.match(/\$\([\w-]+\)/g), english);
    }
  });

  it('every text of the manifest is translated, with its links and commands', () => {
    const english = readTexts('package.nls.json');
    const japanese = readTexts('package.nls.ja.json');
    assert.deepEqual(Object.keys(japanese).sort(), Object.keys(english).sort());
    for (const [key, text] of Object.entries(english)) {
      assert.deepEqual(links(japanese[key] ?? ''), links(text), key);
      assert.deepEqual(code(japanese[key] ?? ''), code(text), key);
    }
  });
});
