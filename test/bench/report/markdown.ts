import { type BenchResult, bytesPerSecond, type CaseResult, type Row } from '../sample.ts';
import { spread } from '../statistics.ts';
import { formatBytes, formatRate, formatSeconds } from '../units.ts';
import { judge } from './demands.ts';
import type { Value } from './lookUp.ts';

/** The whole report. Every figure in it comes from `result`. */
export function describeResult(result: BenchResult): string {
  return [
    '# Benchmark',
    `Written by \`npm run bench${result.quick ? ' -- --quick' : ''}\`; not edited by hand. All ways of a case took turns on one guest with one file. A figure is the median of the repeats, in brackets the least and the most of them.`,
    ...(result.quick
      ? ['**A quick run**: few repeats and small files, so start-up weighs more than it should.']
      : []),
    '![Rates of all ways](benchmark.svg)',
    '## The machine',
    table(['', ''], Object.entries(result.machine)),
    '## What was to be shown',
    table(
      ['case', 'demanded', 'measured', ''],
      judge(result).map(({ what, demanded, measured, verdict }) => [what, demanded, measured, verdict]),
    ),
    'Each round gives a ratio, of copies that ran shortly after each other; the median of those is judged.',
    '## All figures',
    ...NOTES,
    ...result.cases.flatMap(describeCase),
  ]
    .join('\n\n')
    .concat('\n');
}

const NOTES = [
  `- **rate**: bytes of the files over the time of the transfer, by the nearest clock there is: dd's own, com-dd's own (\`seconds\` of \`--json\`, to the receiver's last answer), else the time the program ran.
- **command**: com-dd from its start to its end, with Node's start, reaching libvirt and finding the receiver.
- **wire**: both directions, all overhead included.
- **host CPU**, **host RSS**: of the program alone, not of libvirtd and QEMU. **guest CPU**: all that the guest's processors did meanwhile.`,
];

function describeCase({ id, title, rows }: CaseResult): string[] {
  const head = ['', 'rate', 'seconds', 'command', 'wire', 'host CPU', 'host RSS', 'guest CPU', 'repeats'];
  const failures = rows.flatMap(({ way, failures: reasons }) =>
    [...new Set(reasons)].map(
      reason => `- ${way}, failed ${count(reasons, reason)} of its repeats: ${reason}`,
    ),
  );
  return [
    `### ${id}`,
    `${title}.`,
    table(head, rows.map(describeRow)),
    ...(failures.length > 0 ? [failures.join('\n')] : []),
  ];
}

function count(reasons: string[], wanted: string): number {
  return reasons.filter(reason => reason === wanted).length;
}

function describeRow(row: Row): string[] {
  const cell = (value: Value, format: (value: number) => string): string =>
    describeSpread(row, value, format);
  return [
    row.way,
    cell(bytesPerSecond, formatRate),
    cell(sample => sample.seconds, formatSeconds),
    cell(sample => sample.commandSeconds, formatSeconds),
    cell(sample => sample.wireBytes, formatBytes),
    cell(sample => sample.hostCpuSeconds, formatSeconds),
    cell(sample => sample.hostRssBytes, formatBytes),
    cell(sample => sample.guestCpuSeconds, formatSeconds),
    String(row.samples.length),
  ];
}

function describeSpread(row: Row, value: Value, format: (value: number) => string): string {
  const found = spread(row.samples.flatMap(sample => value(sample) ?? []));
  if (!found) return '–';
  const [median, minimum, maximum] = [found.median, found.minimum, found.maximum].map(format);
  return minimum === maximum ? `${median}` : `${median} (${minimum} – ${maximum})`;
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
