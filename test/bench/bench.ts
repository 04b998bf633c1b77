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
import type { BenchResult } from './sample.ts';
import { fullScale, quickScale } from './scale.ts';
import { Session } from './session.ts';

const USAGE = `usage: npm run bench -- [--quick] [--only CASE]... [--out DIR] [--from DIR]
  --quick   few repeats and small files: some minutes instead of about an hour
  --only    one of: ${Object.keys(allCases).join(', ')}
  --out     where benchmark.md, .svg and .json go
            (default: media/docs for a whole run, .cache/bench for part of one)
  --from    measure nothing: write the report of an earlier run, from its benchmark.json in DIR
`;

async function main(argv: string[]): Promise<number> {
  const options = readOptions(argv);
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n${USAGE}`);
    return 2;
  }
  const { only, quick, out, from } = options;
  const result = from === undefined ? await measure(only, quick) : readResult(from);
  print(`\n${describeDemands(result).join('\n')}`);
  const partial = quick || only.length < Object.keys(allCases).length;
  const directory = path.resolve(
    out ?? from ?? path.join(partial ? cacheRoot : repositoryRoot, partial ? 'bench' : 'media/docs'),
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

async function measure(only: string[], quick: boolean): Promise<BenchResult> {
  await buildComDd();
  const libvirtd = await ensureLibvirtd();
  try {
    const session = new Session(libvirtd.uri, quick ? quickScale : fullScale);
    endOnSignal(() => session.close().then(() => libvirtd.stop()));
    try {
      return await runCases(session, only, quick);
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

async function runCases(session: Session, only: string[], quick: boolean): Promise<BenchResult> {
  const machine = await describeMachine(session);
  const result: BenchResult = { machine, quick, cases: [] };
  for (const [name, runCase] of Object.entries(allCases)) {
    if (only.includes(name)) result.cases.push(await runCase(session));
  }
  return result;
}

process.exitCode = await main(process.argv.slice(2));
