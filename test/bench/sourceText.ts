import fs from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '../support/paths.ts';

/** Sources and documents of this repository, in the order of their names; from the beginning again if there are too few. */
export function sourceText(bytes: number): Buffer {
  const parts: Buffer[] = [];
  for (const folder of ['src', 'guest', 'test']) {
    const directory = path.join(repositoryRoot, folder);
    const names = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
    for (const name of names.filter(isSource)) parts.push(fs.readFileSync(path.join(directory, name)));
  }
  const text = Buffer.concat(parts);
  return Buffer.alloc(bytes, text);
}

function isSource(name: string): boolean {
  return /\.(ts|py|ps1|md|mjs|sh)$/.test(name) && !name.includes('node_modules');
}
