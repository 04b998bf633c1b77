import fs from 'node:fs';
import path from 'node:path';
import { run } from '../../support/processes.ts';
import { type BenchGuest, ports, workDirectory } from '../guest/benchGuest.ts';
import { interleave } from '../interleave.ts';
import type { CaseResult, Sample } from '../sample.ts';
import { type Session, writeRandom } from '../session.ts';
import { guestwireCopy } from '../ways/guestwire.ts';

const FILE_BYTES = 2_048;
const FILES_A_DIRECTORY = 100;
/** Beside the work directory: a tree that stays for the copy that finds it unchanged, and the archive to unpack. */
const keptDirectory = '/tmp/bench-kept';
const archive = '/tmp/bench-tree.tar';

export async function tree(session: Session): Promise<CaseResult> {
  const bench = await session.mainGuest();
  const { treeFiles } = session.scale;
  const bytes = treeFiles * FILE_BYTES;
  const one = session.randomFile(bytes);
  const many = makeTree(path.join(session.directory, 'tree'), treeFiles);
  await bench.guest.mustRun(`rm -rf ${keptDirectory}`, { timeoutMs: 60_000 });
  await guestwireCopy(bench, ports.channel, [await packTree(many)], archive);
  const copy = (source: string, destination: string) =>
    guestwireCopy(bench, ports.channel, [source], destination);
  const files = treeFiles;
  try {
    return await interleave('tree', title, session.scale.fewRepeats, [
      {
        name: `${treeFiles.toLocaleString('en')} files of ${FILE_BYTES} bytes`,
        run: async () => {
          await bench.guest.mustRun(`rm -rf ${keptDirectory}; mkdir ${keptDirectory}`, { timeoutMs: 60_000 });
          return { ...(await copy(many, `${keptDirectory}/`)), files };
        },
      },
      {
        name: 'one file',
        run: async () => {
          await bench.clear();
          return copy(one, `${workDirectory}/`);
        },
      },
      {
        name: 'the same files again, unchanged',
        run: async () => {
          await mustBeThere(bench, files);
          return { ...(await copy(many, `${keptDirectory}/`)), files };
        },
      },
      { name: 'tar xf in the guest', run: () => unpack(bench, { bytes, files }) },
    ]);
  } finally {
    await bench.guest.run(`rm -rf ${keptDirectory} ${archive}`, { timeoutMs: 60_000 });
  }
}

const title =
  'virtio channel, many small files; against one of the same bytes, and the guest unpacking them itself';

function makeTree(root: string, files: number): string {
  for (let number = 0; number < files; number += 1) {
    const directory = path.join(root, String(Math.floor(number / FILES_A_DIRECTORY)));
    fs.mkdirSync(directory, { recursive: true });
    writeRandom(path.join(directory, `${number}.bin`), FILE_BYTES);
  }
  return root;
}

async function packTree(root: string): Promise<string> {
  await run('tar', ['-cf', `${root}.tar`, '-C', path.dirname(root), path.basename(root)]);
  return `${root}.tar`;
}

/** Nothing crosses a link, nothing is verified: no copy of these files can be faster in this guest. */
async function unpack(bench: BenchGuest, size: Pick<Sample, 'bytes' | 'files'>): Promise<Sample> {
  await bench.clear();
  const cpuBefore = await bench.cpuSeconds();
  const script = `cd ${workDirectory}; read -r begin _ </proc/uptime; tar -xf ${archive}; read -r end _ </proc/uptime; echo $begin $end`;
  const [begin, end] = (await bench.guest.mustRun(script, { timeoutMs: 300_000 })).split(' ').map(Number);
  const guestCpuSeconds = (await bench.cpuSeconds()) - cpuBefore;
  return { ...size, seconds: (end ?? 0) - (begin ?? 0), guestCpuSeconds };
}

/** Where the copy before was not whole, this one would do its work. */
async function mustBeThere(bench: BenchGuest, files: number): Promise<void> {
  const found = await bench.guest.mustRun(`find ${keptDirectory} -type f | wc -l`, { timeoutMs: 60_000 });
  if (Number(found) !== files) throw new Error(`of ${files} files only ${found.trim()} are there`);
}
