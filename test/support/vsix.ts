import fs from 'node:fs';
import path from 'node:path';
import { cacheRoot, repositoryRoot } from './paths.ts';
import { run } from './processes.ts';

/** Builds and packs, as `npm run package` does, into a folder. Gives the VSIX's path. */
export async function packageVsix(target: string, folder: string): Promise<string> {
  const options = { cwd: repositoryRoot, timeoutMs: 180_000 };
  await run(process.execPath, ['esbuild.config.mjs'], options);
  fs.mkdirSync(folder, { recursive: true });
  await run(process.execPath, ['.ci/vsix.mjs', '--out', folder, target], options);
  const [name, ...others] = fs.readdirSync(folder).filter(file => file.endsWith('.vsix'));
  if (!name || others.length > 0) throw new Error(`${folder} should hold just the VSIX that was made`);
  return path.join(folder, name);
}

/** Set by the test runner so that all test files share one. */
export const vsixVariable = 'GUESTWIRE_TEST_VSIX';

/** The VSIX for this machine that the runner made, or else one of this process. */
export async function ensureVsix(): Promise<string> {
  const made = process.env[vsixVariable];
  if (made) return made;
  const folder = path.join(cacheRoot, 'vsix');
  fs.rmSync(folder, { recursive: true, force: true });
  return packageVsix(`${process.platform}-${process.arch}`, folder);
}

/** A VSIX is a zip file, which Node can't read by itself and Python, needed for tests anyway, can. */
export async function unpackVsix(vsix: string, folder: string): Promise<string> {
  await run('python3', ['-m', 'zipfile', '-e', vsix, folder]);
  return path.join(folder, 'extension');
}
