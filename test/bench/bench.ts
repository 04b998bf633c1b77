import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildComDd } from '../support/comDd.ts';
import { ensureLibvirtd } from '../support/libvirtd.ts';
import { cacheRoot, repositoryRoot } from '../support/paths.ts';
import { allCases } from './cases/allCases.ts';
import { print } from './interleave.ts';
import { describeMachine } from './machine.ts';
import { describeDemands } from './report/demands.ts';
import { readResult, writeReport } from './report/writeReport.ts';
import type { BenchResult, CaseResult } from './sample.ts';
import { fullScale, quickScale } from './scale.ts';
import { Session } from './session.ts';
import { formatDuration } from './units.ts';

const USAGE = `usage: npm run bench -- [--quick] [--only CASE]... [--out DIR] [--from DIR]
  --quick   few repeats and small files: some minutes instead of an hour
  --only    one of: ${Object.keys(allCases).join(', ')}
  --out     where benchmark.md, .svg and .json go
            (default: media/docs for a whole run, .cache/bench for part of one, and for a run until it has ended)
  --from    measure nothing: write the report of an earlier run, from its benchmark.json in DIR
`;

async function main(argv: string[]): Promise<number> {
  const options = readOptions(argv);
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n${USAGE}`);
    return 2;
  }
  const { only, quick, out, from } = options;
  const scratch = path.resolve(out ?? path.join(cacheRoot, 'bench'));
  // After each case, so that a run that is stopped is not lost.
  const keep = (soFar: BenchResult): void => writeReport(soFar, scratch);
  const result = from === undefined ? await measure(only, quick, keep) : readResult(from);
  print(`\n${describeDemands(result).join('\n')}`);
  const partial = quick || only.length < Object.keys(allCases).length;
  const directory = path.resolve(
    out ?? from ?? (partial ? scratch : path.join(repositoryRoot, 'media/docs')),
  );
  writeReport(result, directory);
  print(`\nwritten: benchmark.md, benchmark.svg and benchmark.json in ${directory}`);
  // Whatever the ratios are: noise is no defect. They are for a reader to judge.
  return 0;
}

/** Or what is wrong with them. */
function readOptions(argv: string[]) {
  const options = {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    out: { type: 'string' },
    from: { type: 'string' },
  } as const;
  try {
    const { values } = parseArgs({ args: argv, options });
    const only = values.only ?? Object.keys(allCases);
    const unknown = only.find(name => !(name in allCases));
    return unknown === undefined ? { ...values, only } : `There is no case "${unknown}".`;
  } catch (error) {
    return (error as Error).message;
  }
}

async function measure(
  only: string[],
  quick: boolean,
  keep: (soFar: BenchResult) => void,
): Promise<BenchResult> {
  await buildComDd();
  const libvirtd = await ensureLibvirtd();
  try {
    const session = new Session(libvirtd.uri, quick ? quickScale : fullScale);
    endOnSignal(() => session.close().then(() => libvirtd.stop()));
    try {
      return await runCases(session, only, quick, keep);
    } finally {
      await session.close();
    }
  } finally {
    await libvirtd.stop();
  }
}

/** Its guests would outlive a stopped run, with all their memory, until the next. */
function endOnSignal(end: () => Promise<void>): void {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => void end().finally(() => process.exit(128 + os.constants.signals[name])));
  }
}

async function runCases(
  session: Session,
  only: string[],
  quick: boolean,
  keep: (soFar: BenchResult) => void,
): Promise<BenchResult> {
  const machine = await describeMachine(session);
  const result: BenchResult = { machine, quick, cases: [] };
  for (const [name, run] of Object.entries(allCases)) {
    if (!only.includes(name)) continue;
    const startedAt = performance.now();
    const found = await run(session).catch(error => failedCase(name, error));
    const elapsedSeconds = (performance.now() - startedAt) / 1_000;
    print(`  ${name}: took ${formatDuration(elapsedSeconds)}`);
    result.cases.push({ ...found, elapsedSeconds });
    keep(result);
  }
  return result;
}

/** One that can't even be prepared, such as of a guest that doesn't boot, is no reason to lose the others. */
function failedCase(id: string, error: unknown): CaseResult {
  const reason = error instanceof Error ? error.message : String(error);
  print(`\n${id}: failed: ${reason}`);
  return { id, title: 'Could not be measured', rows: [{ way: id, samples: [], failures: [reason] }] };
}

process.exitCode = await main(process.argv.slice(2));
