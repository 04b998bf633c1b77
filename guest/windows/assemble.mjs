// Puts receiver.ps1 together from the parts in this folder. `node guest/windows/assemble.mjs` does it for dist/.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPlain, headerLines, partMark, readParts, replaceOnce, writeWhole } from '../assembly.mjs';

/** In the order in which one may want to read them; C# itself needs none. */
const PARTS = names(`
  Wire Log Text Crc32 Adler32 PlainSha256 Sha256 Knocks Frames Reliable Decoders Errors
  Platform Win32 WindowsFile WindowsDevice WindowsPaths WindowsFiles WindowsPorts
  Paths Arguments Notes Names Incoming Destination Put Bundle
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
  const folder = join(root, 'guest/windows');
  const parts = readParts(folder, '.cs', PARTS).map(unwrap);
  const posix = readParts(join(root, 'test/windows/posix'), '.cs', POSIX_PARTS).map(unwrap);
  const template = readFileSync(join(folder, 'receiver.ps1.in'), 'utf8');
  const header = headerLines({ root, folder, version });
  write(join(outDir, 'receiver.ps1'), script(template, header, version, parts));
  write(join(testDir, 'receiver.ps1'), script(template, header, version, [...parts, ...posix]));
}

function names(list) {
  return list.trim().split(/\s+/);
}

/** A part is a complete C# file: `using` lines, the namespace, and in its braces what we take. */
function unwrap({ file, text }) {
  const found = /^((?:using [\w.]+;\n)*)\n?namespace Guestwire\n\{\n\n(.*\n)\n\}\n$/s.exec(text);
  if (!found) throw new Error(`${file}: expected using lines and one namespace Guestwire`);
  return { file, usings: found[1].split('\n').filter(Boolean), body: found[2] };
}

function script(template, header, version, parts) {
  const comment = header.map(line => `# ${line}`.trimEnd()).join('\n');
  const withHeader = replaceOnce(template, '{{header}}', comment);
  return replaceOnce(replaceOnce(withHeader, '{{engine}}', engine(parts)), '@VERSION@', version);
}

function engine(parts) {
  const usings = [...new Set(parts.flatMap(part => part.usings))].sort(systemFirst);
  const bodies = parts.map(({ file, body }) => `${partMark(file, '//')}\n\n${body}`);
  return `${usings.join('\n')}\n\nnamespace Guestwire\n{\n\n${bodies.join('\n')}\n}`;
}

function systemFirst(a, b) {
  const [isSystemA, isSystemB] = [a, b].map(using => using.startsWith('using System'));
  if (isSystemA !== isSystemB) return isSystemA ? -1 : 1;
  return a.localeCompare(b, 'en');
}

function write(path, text) {
  if (text.split("\n'@").length !== 2)
    throw new Error("a line that begins with '@ would end the here-string");
  writeWhole(path, checkPlain(text, path), 0o644);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = join(import.meta.dirname, '../..');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  assembleWindows({ root, version, outDir: join(root, 'dist/guest'), testDir: join(root, 'dist/test') });
}
