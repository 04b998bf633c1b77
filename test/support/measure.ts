// `npm run measure`: how large files and functions are, how much of the code is comment, what imports what. Prints it
// and fails where a limit is passed.
import fs from 'node:fs';
import path from 'node:path';
import { fileGraph, folderGraph, ringsOf } from './importGraph.ts';
import { type MeasuredFile, measureFile } from './measureFile.ts';
import { repositoryRoot } from './paths.ts';

const limits = {
  fileLines: 300,
  fileLinesP90: 170,
  functionLines: 40,
  functionLinesP90: 15,
  receiverPartLines: 400,
  commentShare: { min: 0.15, max: 0.25 },
  uiWithoutVscode: 1 / 3,
};

/** Where bytes have a meaning that the code alone doesn't tell. */
const commentedLayers = ['protocol', 'libvirt'];
const receiverFolders = [
  { folder: 'guest/linux', extension: '.py' },
  { folder: 'guest/windows', extension: '.cs' },
];

const failures: string[] = [];

function check(isKept: boolean, failure: string): void {
  if (!isKept) failures.push(failure);
}

function filesBelow(folder: string, extension: string): string[] {
  const directory = path.join(repositoryRoot, folder);
  if (!fs.existsSync(directory)) return [];
  return fs
    .readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith(extension) && !/(^|\/)(node_modules|dist)\/|\.d\.ts$/.test(name))
    .map(name => path.join(folder, name))
    .sort();
}

/** The value that so large a share of all doesn't pass. */
function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

function spread(values: readonly number[]): string {
  return [percentile(values, 0.5), percentile(values, 0.9), percentile(values, 1)].join(' / ');
}

function commentShare(files: readonly MeasuredFile[]): number {
  const sum = (key: 'commentLines' | 'codeLines') => files.reduce((total, file) => total + file[key], 0);
  return sum('commentLines') / Math.max(1, sum('commentLines') + sum('codeLines'));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function reportLayers(files: readonly MeasuredFile[]): void {
  say('layer        files   lines  file median / p90 / max  function median / p90 / max  comments');
  const layers = Map.groupBy(files, file => file.layer);
  for (const [layer, ours] of [...layers, ['src', files] as const]) {
    const lines = ours.map(file => file.lines);
    const functions = ours.flatMap(file => file.functions.map(one => one.lines));
    const total = lines.reduce((sum, count) => sum + count, 0);
    say(
      layer.padEnd(12) +
        String(ours.length).padStart(6) +
        String(total).padStart(8) +
        spread(lines).padStart(25) +
        spread(functions).padStart(29) +
        percent(commentShare(ours)).padStart(10),
    );
  }
}

function checkSizes(files: readonly MeasuredFile[]): void {
  for (const { name, lines } of files)
    check(lines <= limits.fileLines, `${name} has ${lines} lines, more than ${limits.fileLines}`);
  const p90 = percentile(
    files.map(file => file.lines),
    0.9,
  );
  check(p90 < limits.fileLinesP90, `p90 of the files is ${p90} lines, not under ${limits.fileLinesP90}`);
  for (const { name, functions } of files)
    for (const { line, lines } of functions) {
      const failure = `${name}:${line}: a function of ${lines} lines, more than ${limits.functionLines}`;
      check(lines <= limits.functionLines, failure);
    }
  const functions = files.flatMap(file => file.functions.map(one => one.lines));
  const functionP90 = percentile(functions, 0.9);
  const failure = `p90 of the functions is ${functionP90} lines, more than ${limits.functionLinesP90}`;
  check(functionP90 <= limits.functionLinesP90, failure);
}

function checkComments(files: readonly MeasuredFile[]): void {
  const { min, max } = limits.commentShare;
  for (const layer of commentedLayers) {
    const share = commentShare(files.filter(file => file.layer === layer));
    const failure = `${percent(share)} of ${layer} is comment, not ${percent(min)} to ${percent(max)}`;
    check(share >= min && share <= max, failure);
  }
}

function checkVscode(files: readonly MeasuredFile[]): void {
  const ui = files.filter(file => file.layer === 'ui');
  const without = ui.filter(file => !file.imports.some(({ specifier }) => specifier === 'vscode'));
  const share = without.length / Math.max(1, ui.length);
  say(`\nof ${ui.length} files in src/ui ${without.length} don't import vscode (${percent(share)})`);
  check(
    share <= limits.uiWithoutVscode,
    `${percent(share)} of src/ui don't import vscode, more than a third`,
  );
}

function checkImports(files: readonly MeasuredFile[]): void {
  const graph = fileGraph(files);
  for (const ring of ringsOf(graph)) failures.push(`import circle: ${ring.join(' → ')}`);
  for (const layer of new Set(files.map(file => file.layer)))
    for (const ring of ringsOf(folderGraph(graph, layer)))
      failures.push(`import circle of folders: ${ring.join(' → ')}`);
}

function checkReceivers(): void {
  for (const { folder, extension } of receiverFolders) {
    const parts = filesBelow(folder, extension);
    const lines = parts.map(
      name => fs.readFileSync(path.join(repositoryRoot, name), 'utf8').split('\n').length - 1,
    );
    say(`${folder}: ${parts.length} parts, ${spread(lines)} lines`);
    for (const [index, name] of parts.entries()) {
      const failure = `${name} has ${lines[index]} lines, more than ${limits.receiverPartLines}`;
      check((lines[index] ?? 0) <= limits.receiverPartLines, failure);
    }
  }
}

const files = filesBelow('src', '.ts').map(measureFile);
reportLayers(files);
checkSizes(files);
checkComments(files);
checkVscode(files);
checkImports(files);
checkReceivers();
for (const failure of failures) say(`✖ ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;
