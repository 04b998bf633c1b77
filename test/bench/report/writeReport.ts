import fs from 'node:fs';
import path from 'node:path';
import type { BenchResult } from '../sample.ts';
import { describeResult } from './markdown.ts';
import { plotResult } from './plot.ts';

const RESULT_FILE = 'benchmark.json';

export function writeReport(result: BenchResult, directory: string): void {
  fs.mkdirSync(directory, { recursive: true });
  fs.writeFileSync(path.join(directory, RESULT_FILE), `${JSON.stringify(result)}\n`);
  fs.writeFileSync(path.join(directory, 'benchmark.svg'), plotResult(result));
  fs.writeFileSync(path.join(directory, 'benchmark.md'), describeResult(result));
}

export function readResult(directory: string): BenchResult {
  return JSON.parse(fs.readFileSync(path.join(directory, RESULT_FILE), 'utf8')) as BenchResult;
}
