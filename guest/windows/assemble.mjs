// Puts receiver.ps1 together from the parts in this folder. `node guest/windows/assemble.mjs` does it for dist/.
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** In the order in which one may want to read them; C# itself needs none. */
const PARTS = names(`
  Wire Log Text Crc32 Adler32 PlainSha256 Sha256 Frames Reliable Decoders Errors
  Platform Win32 WindowsFile WindowsDevice WindowsPaths WindowsFiles WindowsPorts
  Paths Arguments Names Incoming Destination Put Bundle
  Requests PutRequests FileRequests Signature
  Worker Lanes Session Endpoint Port Options Engine`);

/** What stands in for Windows where the tests run. In test/windows/posix; nothing of it is shipped. */
const POSIX_PARTS = names('Libc PosixFile PosixDevice PosixPlatform');

/**
 * Writes outDir/receiver.ps1, and testDir/receiver.ps1 with the POSIX platform added.
 *
 * @param {{ root: string, version: string, outDir: string, testDir: string }} options
 */
export function assembleWindows({ root, version, outDir, testDir }) {
  const parts = readParts(join(root, 'guest/windows'), PARTS);
  const posix = readParts(join(root, 'test/windows/posix'), POSIX_PARTS);
  const frame = {
    template: readFileSync(join(root, 'guest/windows/receiver.ps1.in'), 'ascii'),
    licence: readFileSync(join(root, 'LICENSE'), 'utf8'),
    version,
  };
  write(join(outDir, 'receiver.ps1'), script(frame, parts));
  write(join(testDir, 'receiver.ps1'), script(frame, [...parts, ...posix]));
}

function names(list) {
  return list.trim().split(/\s+/);
}

/** @typedef {{ name: string, usings: string[], body: string }} Part */

/** @returns {Part[]} */
function readParts(folder, listed) {
  const there = readdirSync(folder).filter(name => name.endsWith('.cs'));
  const unlisted = there.filter(name => !listed.includes(name.slice(0, -3)));
  if (unlisted.length > 0) throw new Error(`${folder}: assemble.mjs doesn't name ${unlisted.join(', ')}`);
  return listed.map(name => parsePart(`${name}.cs`, readFileSync(join(folder, `${name}.cs`), 'utf8')));
}

/** A part is a complete C# file: `using` lines, the namespace, and in its braces what we take. */
function parsePart(name, text) {
  const found = /^((?:using [\w.]+;\n)*)\n?namespace Guestwire\n\{\n\n(.*\n)\n\}\n$/s.exec(text);
  if (!found) throw new Error(`${name}: expected using lines and one namespace Guestwire`);
  return { name, usings: found[1].split('\n').filter(Boolean), body: found[2] };
}

function script({ template, licence, version }, parts) {
  const values = {
    version,
    licence: comment(licence),
    engine: engine(parts).replace('Version = "0.0.0"', `Version = "${version}"`),
  };
  const text = template.replaceAll(/\{\{(\w+)\}\}/g, (_, key) => values[key]);
  checkScript(text);
  return text;
}

function engine(parts) {
  const usings = [...new Set(parts.flatMap(part => part.usings))].sort(systemFirst);
  const bodies = parts.map(({ name, body }) => `${mark(name)}\n\n${body}`);
  return `${usings.join('\n')}\n\nnamespace Guestwire\n{\n\n${bodies.join('\n')}\n}`;
}

function systemFirst(a, b) {
  const [isSystemA, isSystemB] = [a, b].map(using => using.startsWith('using System'));
  if (isSystemA !== isSystemB) return isSystemA ? -1 : 1;
  return a.localeCompare(b, 'en');
}

/** Says to a reader, and to whoever has a stack trace, where to look. */
function mark(name) {
  return `// ---- ${name} ${'-'.repeat(71 - name.length)}`;
}

function comment(text) {
  return text
    .trimEnd()
    .split('\n')
    .map(line => `# ${line}`.trimEnd())
    .join('\n');
}

/** Windows PowerShell reads a script without a byte order mark in the system's code page: ASCII is the same in all. */
function checkScript(text) {
  const odd = /[^\n\x20-\x7e].*/.exec(text);
  if (odd) throw new Error(`receiver.ps1 is not ASCII: ${odd[0]}`);
  if (text.split("\n'@").length !== 2)
    throw new Error("a line that begins with '@ would end the here-string");
}

/** Another build, or a test, may read it at the same time. */
function write(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, text);
  renameSync(unfinished, path);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  assembleWindows({ root, version, outDir: join(root, 'dist/guest'), testDir: join(root, 'dist/test') });
}
