import fs from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '../support/paths.ts';

/**
 * Sources and documents of this repository, in the order of their names; where they are too few, then those of the
 * packages it is built with, for repeating the same would compress better than text does.
 */
export function sourceText(bytes: number): Buffer {
  const parts: Buffer[] = [];
  let found = 0;
  for (const file of sourceFiles()) {
    if (found >= bytes) break;
    const part = fs.readFileSync(file);
    parts.push(part);
    found += part.length;
  }
  return Buffer.alloc(bytes, Buffer.concat(parts));
}

function* sourceFiles(): Generator<string> {
  for (const folder of ['src', 'guest', 'test', 'node_modules']) {
    const directory = path.join(repositoryRoot, folder);
    const names = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
    const wanted = names.filter(
      name => isSource(name) && (folder === 'node_modules' || !/node_modules/.test(name)),
    );
    for (const file of wanted.map(name => path.join(directory, name))) {
      // The workspace package is there a second time, as a link.
      if (fs.lstatSync(file).isFile() && fs.realpathSync(file) === file) yield file;
    }
  }
}

function isSource(name: string): boolean {
  return /\.(ts|js|mjs|cjs|py|ps1|md|sh)$/.test(name);
}
