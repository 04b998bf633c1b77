// receiver.py from its parts. Each part is a module of its own for Python's tools; put together they are one flat file:
// imports of siblings go, those of the standard library move to the top.
import { join } from 'node:path';
import {
  checkPlain,
  checkUniqueNames,
  headerLines,
  partMark,
  readParts,
  replaceOnce,
  writeWhole,
} from '../assembly.mjs';

/** A part imports only from parts above it. */
const PARTS = [
  '__init__',
  'wire',
  'log',
  'text',
  'knocks',
  'frames',
  'reliable',
  'errors',
  'location',
  'walk',
  'paths',
  'arguments',
  'files',
  'keeping',
  'names',
  'in_place',
  'decoders',
  'incoming',
  'put',
  'bundle',
  'signature',
  'put_requests',
  'file_requests',
  'requests',
  'worker',
  'config',
  'lanes',
  'session',
  'endpoint',
  'device',
  'port',
  'discovery',
  'main',
];

const SIBLINGS = /^from \.(\w+) import (?:\([^)]*\)|[^\n(]*)\n/gm;
const STANDARD = /^import (\w+)\n/gm;
const DOCSTRING = /^"""([\s\S]*?)"""\n/;

export function assembleLinux({ root, version, outDir }) {
  const folder = join(root, 'guest/linux');
  const [description, ...parts] = readParts(folder, '.py', PARTS);
  checkOrder(parts);
  checkUniqueNames(parts, topLevelNames);
  const imports = new Set(parts.flatMap(({ text }) => [...text.matchAll(STANDARD)].map(([line]) => line)));
  const product = [
    '#!/usr/bin/env python3\n',
    commented(headerLines({ root, folder, version })),
    description.text,
    '\n',
    ...[...imports].sort(),
    ...parts.map(part => `\n${flattened(part)}`),
  ].join('');
  const name = 'receiver.py';
  writeWhole(join(outDir, name), checkPlain(replaceOnce(product, '@VERSION@', version), name), 0o755);
}

function commented(lines) {
  return lines.map(line => `${`# ${line}`.trimEnd()}\n`).join('');
}

/** What a part imports must be above it, for base classes and constants are needed when the file is read. */
function checkOrder(parts) {
  const above = new Set();
  for (const { file, text } of parts) {
    for (const [, sibling] of text.matchAll(SIBLINGS)) {
      if (!above.has(sibling)) throw new Error(`${file} imports from ${sibling}, which isn't above it`);
    }
    above.add(file.replace('.py', ''));
  }
}

/** Without imports, its docstring a comment. */
function flattened({ file, text }) {
  const docstring = DOCSTRING.exec(text);
  if (!docstring) throw new Error(`${file} begins without a docstring`);
  const body = text.slice(docstring[0].length).replace(SIBLINGS, '').replace(STANDARD, '').trim();
  const left = /^(?:from|import)\b.*/m.exec(body);
  if (left) throw new Error(`${file}: "${left[0]}" is no import that can be assembled`);
  const gap = /^(?:class|def|@)/.test(body) ? '\n\n' : '\n';
  return `${partMark(file, '#')}\n${commented(docstring[1].split('\n'))}${gap}${body}\n`;
}

/** Classes, functions and assignments that begin a line. */
function topLevelNames(text) {
  const defined = [...text.matchAll(/^(?:class|def) (\w+)/gm)].map(([, name]) => name);
  const assigned = [...text.matchAll(/^((?:\w+(?:, \w+)*) = (?:\w+ = )*)/gm)].flatMap(([, targets]) =>
    targets.split(/, | = /).filter(Boolean),
  );
  return [...defined, ...assigned];
}
