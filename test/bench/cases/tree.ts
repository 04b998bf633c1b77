import fs from 'node:fs';
import path from 'node:path';
import { ports, workDirectory } from '../guest/benchGuest.ts';
import { interleave } from '../interleave.ts';
import type { CaseResult } from '../sample.ts';
import { type Session, writeRandom } from '../session.ts';
import { guestwireCopy } from '../ways/guestwire.ts';

const FILE_BYTES = 2_048;
const FILES_A_DIRECTORY = 100;

export async function tree(session: Session): Promise<CaseResult> {
  const bench = await session.mainGuest();
  const { treeFiles } = session.scale;
  const one = session.randomFile(treeFiles * FILE_BYTES);
  const many = makeTree(path.join(session.directory, 'tree'), treeFiles);
  const copy = (source: string) => async () => {
    await bench.clear();
    return guestwireCopy(bench, ports.channel, [source], `${workDirectory}/`);
  };
  return interleave(
    'tree',
    'virtio channel; many small files against one of the same bytes',
    session.scale.repeats,
    [
      { name: `${treeFiles.toLocaleString('en')} files of ${FILE_BYTES} bytes`, run: copy(many) },
      { name: 'one file', run: copy(one) },
    ],
  );
}

function makeTree(root: string, files: number): string {
  for (let number = 0; number < files; number += 1) {
    const directory = path.join(root, String(Math.floor(number / FILES_A_DIRECTORY)));
    fs.mkdirSync(directory, { recursive: true });
    writeRandom(path.join(directory, `${number}.bin`), FILE_BYTES);
  }
  return root;
}
