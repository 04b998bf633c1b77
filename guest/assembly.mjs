// What the assemblers of both receivers share. A receiver is written as parts, which tools and people can read one by
// one, and delivered as one file, which can be pasted into a guest that has no network. Node's modules only: the build
// and the tests run it before anything else.
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/**
 * The parts of a folder in the order of `names` (without the extension). A file that isn't listed, or is listed and
 * missing, is an error: a part that nobody assembles would go unnoticed.
 */
export function readParts(folder, extension, names) {
  const there = readdirSync(folder).filter(file => file.endsWith(extension));
  const listed = names.map(name => `${name}${extension}`);
  for (const file of there) if (!listed.includes(file)) throw new Error(`${file} isn't in the list of parts`);
  return listed.map(file => ({ file, text: checkPlain(readFileSync(join(folder, file), 'utf8'), file) }));
}

/** ASCII with LF: PowerShell before 6 takes a file without a mark for ANSI, and a paste may mangle all else. */
export function checkPlain(text, file) {
  const at = text.search(/[^\n -~]/);
  if (at < 0) return text;
  const line = text.slice(0, at).split('\n').length;
  throw new Error(`${file}:${line}: ${JSON.stringify(text[at])} is neither printable ASCII nor LF`);
}

/** Parts share one namespace once they are assembled; `namesOf` finds what a part puts there. */
export function checkUniqueNames(parts, namesOf) {
  const owners = new Map();
  for (const { file, text } of parts) {
    for (const name of namesOf(text)) {
      if (owners.has(name)) throw new Error(`${name} is in ${owners.get(name)} and in ${file}`);
      owners.set(name, file);
    }
  }
}

/** Replaces what must occur exactly once. */
export function replaceOnce(text, from, to) {
  const pieces = text.split(from);
  if (pieces.length !== 2) throw new Error(`${from} occurs ${pieces.length - 1} times instead of once`);
  return pieces.join(to);
}

/** Lines for the top of a product, without comment marks. Its licence goes along, since the file travels alone. */
export function headerLines({ root, folder, version }) {
  const licence = readFileSync(join(root, 'LICENSE'), 'utf8').trimEnd();
  const source = relative(root, folder).replaceAll('\\', '/');
  return [`Guestwire ${version}: assembled from ${source}, do not edit.`, '', ...licence.split('\n')];
}

/** The mark above a part, by which a line of a traceback is traced. */
export function partMark(file, comment) {
  return `${comment} ---- ${file} `.padEnd(79, '-');
}

/** Under its name the file is always whole: a test or a build may read it meanwhile. */
export function writeWhole(file, content, mode) {
  mkdirSync(dirname(file), { recursive: true });
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, content);
  chmodSync(unfinished, mode);
  renameSync(unfinished, file);
}
