/** com-dd as a user runs it, with what it took from the host. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildComDd, startComDd } from '../../support/comDd.ts';
import type { BenchGuest, Port } from '../guest/benchGuest.ts';
import type { Sample } from '../sample.ts';

interface Report {
  wireBytes: number;
  seconds: number;
  files: { verified: boolean; skipped: boolean }[];
}

interface Usage {
  cpuSeconds: number;
  peakBytes: number;
}

export interface GuestwireOptions {
  /** Default 10 minutes: a copy that takes longer is a failure. */
  timeoutMs?: number;
  further?: string[];
}

/** The bytes counted are those of the sources, however little of them crosses the link. */
export async function guestwireCopy(
  bench: BenchGuest,
  port: Port,
  sources: string[],
  destination: string,
  options: GuestwireOptions = {},
): Promise<Sample> {
  await bench.receiver(true);
  const cpuBefore = await bench.cpuSeconds();
  const copied = await runComDd(
    ['--connect', bench.guest.uri, '--link', port.alias, ...(options.further ?? [])],
    [bench.guest.name, ...sources, destination],
    options.timeoutMs,
  );
  return {
    ...copied,
    bytes: sum(sources.map(sizeOf)),
    guestCpuSeconds: (await bench.cpuSeconds()) - cpuBefore,
  };
}

/** Bytes of a file, or of all files in a folder. */
function sizeOf(source: string): number {
  if (!fs.statSync(source).isDirectory()) return fs.statSync(source).size;
  return sum(fs.readdirSync(source).map(name => sizeOf(path.join(source, name))));
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** @param operands - guest domain, sources, out path */
export async function runComDd(
  options: string[],
  operands: string[],
  timeoutMs = 600_000,
): Promise<Omit<Sample, 'bytes'>> {
  await buildComDd();
  const usageFile = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'guestwire-usage-')), 'usage.json');
  const { child, result } = startComDd(
    ['--json', '--quiet', '--conflict', 'overwrite', ...options, ...operands],
    {
      NODE_OPTIONS: `--import=${pathToFileURL(path.join(import.meta.dirname, 'recordUsage.mjs'))}`,
      GUESTWIRE_BENCH_USAGE: usageFile,
    },
  );
  const timer = setTimeout(() => child.kill('SIGINT'), timeoutMs);
  try {
    const { code, stdout, stderr, seconds: commandSeconds, peakMemoryBytes } = await result;
    if (code === 130) throw new Error(`com-dd had not finished after ${Math.round(commandSeconds)} s`);
    if (code !== 0) throw new Error(`com-dd: exit code ${code}: ${stderr.trim()}`);
    const usage = JSON.parse(fs.readFileSync(usageFile, 'utf8')) as Usage;
    return {
      ...readReport(stdout),
      commandSeconds,
      hostCpuSeconds: usage.cpuSeconds,
      hostRssBytes: Math.max(usage.peakBytes, peakMemoryBytes),
    };
  } finally {
    clearTimeout(timer);
    fs.rmSync(path.dirname(usageFile), { recursive: true, force: true });
  }
}

/** With `--also` there is a report a guest: the time is that of the last. */
function readReport(stdout: string): Pick<Sample, 'seconds' | 'wireBytes'> {
  const printed = JSON.parse(stdout) as Report | { guests: Report[] };
  const reports = 'guests' in printed ? printed.guests : [printed];
  const files = reports.flatMap(report => report.files);
  const missing = files.filter(({ verified, skipped }) => !verified && !skipped).length;
  if (missing > 0) throw new Error(`${missing} of ${files.length} files were not verified`);
  return {
    seconds: Math.max(...reports.map(({ seconds }) => seconds)),
    wireBytes: sum(reports.map(({ wireBytes }) => wireBytes)),
  };
}
