/**
 * The paper's experiment, `com-dd <guest> 1MB-file /dev/null` ten times over a 16550A, side by side with raw `dd` through
 * the same port of the same guest. The figures of a machine are worth little; their ratio is what counts.
 */
import { execFile } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { bootGuest, type Guest } from '../support/guest.ts';
import { ensureLibvirtd } from '../support/libvirtd.ts';
import { repositoryRoot } from '../support/paths.ts';
import { rawSerialRate } from './rawRate.ts';

const FILE_BYTES = 1_000_000;
const PAPER_BYTES_PER_SECOND = 51_770;

const { values } = parseArgs({ options: { runs: { type: 'string', default: '10' } } });
const runs = Number(values.runs);
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'guestwire-bench-'));
const libvirtd = await ensureLibvirtd();
try {
  const guest = await bootGuest({ uri: libvirtd.uri, name: 'bench' });
  try {
    await paperExperiment(guest);
  } finally {
    await guest.destroy();
  }
} finally {
  await libvirtd.stop();
  fs.rmSync(directory, { recursive: true, force: true });
}

async function paperExperiment(guest: Guest): Promise<void> {
  const file = path.join(directory, '1MB-file');
  fs.writeFileSync(file, crypto.randomBytes(FILE_BYTES));
  const raw: number[] = [];
  const copied: number[] = [];
  print('run  raw dd (bytes/s)  com-dd (bytes/s)');
  for (let count = 1; count <= runs; count += 1) {
    // Alternating, so that whatever else the machine does falls on both.
    await guest.killReceiver();
    raw.push(await rawSerialRate(guest, FILE_BYTES));
    await guest.startReceiver();
    copied.push(await comDdRate(guest, file));
    print(`${String(count).padStart(3)}  ${rate(raw.at(-1))}  ${rate(copied.at(-1))}`);
  }
  print(`mean ${rate(mean(raw))}  ${rate(mean(copied))}`);
  print(
    `com-dd / raw: ${(mean(copied) / mean(raw)).toFixed(3)} of means, ${medianRatio(copied, raw).toFixed(3)} median`,
  );
  print(
    `com-dd / paper (${PAPER_BYTES_PER_SECOND} bytes/s): ${(mean(copied) / PAPER_BYTES_PER_SECOND).toFixed(2)}`,
  );
}

async function comDdRate(guest: Guest, file: string): Promise<number> {
  const program = path.join(repositoryRoot, 'dist/com-dd.js');
  const args = [
    program,
    '--connect',
    guest.uri,
    '--link',
    'serial1',
    '--json',
    guest.name,
    file,
    '/dev/null',
  ];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return (JSON.parse(stdout) as { bytesPerSecond: number }).bytesPerSecond;
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The median of each pair's ratio: a pair ran within seconds, so noise that lasts longer falls out. */
function medianRatio(above: number[], below: number[]): number {
  const ratios = above.map((value, index) => value / (below[index] ?? Number.NaN)).sort((a, b) => a - b);
  return ratios[Math.floor(ratios.length / 2)] ?? Number.NaN;
}

function rate(bytesPerSecond: number | undefined): string {
  return Math.round(bytesPerSecond ?? 0)
    .toString()
    .padStart(16);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
