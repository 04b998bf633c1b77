import { type BenchResult, bytesPerSecond, type CaseResult, type Row, type Sample } from '../sample.ts';
import { spread } from '../statistics.ts';
import { formatBytes, formatRate, formatSeconds, threeDigits } from '../units.ts';
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
    '## Demands',
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
- **wire**: both directions, all overhead included: by com-dd's and the guest agent's own count, of dd the bytes it reads, of the others on a UART what its driver in the guest has counted.
- **host CPU**, **host RSS**: of the program alone, not of libvirtd and QEMU. The host's end of dd, base64 paste and guest agent is the benchmark itself, whose memory would say nothing. **guest CPU**: all that the guest's processors did meanwhile.`,
];

interface Column {
  head: string;
  value: Value;
  format: (value: number) => string;
}

const columns: Column[] = [
  { head: 'rate', value: bytesPerSecond, format: formatRate },
  { head: 'seconds', value: sample => sample.seconds, format: formatSeconds },
  { head: 'command', value: sample => sample.commandSeconds, format: formatSeconds },
  { head: 'wire', value: sample => sample.wireBytes, format: formatBytes },
  { head: 'host CPU', value: sample => sample.hostCpuSeconds, format: formatSeconds },
  { head: 'host RSS', value: sample => sample.hostRssBytes, format: formatBytes },
  { head: 'guest CPU', value: sample => sample.guestCpuSeconds, format: formatSeconds },
  { head: 'guest CPU a file', value: guestMsPerFile, format: value => `${threeDigits(value)} ms` },
];

function guestMsPerFile({ guestCpuSeconds, files }: Sample): number | undefined {
  return guestCpuSeconds === undefined || files === undefined ? undefined : (guestCpuSeconds * 1_000) / files;
}

/** Of the columns those in which any row has something. */
function describeCase({ id, title, rows }: CaseResult): string[] {
  const used = columns.filter(({ value }) =>
    rows.some(row => row.samples.some(sample => value(sample) !== undefined)),
  );
  const failures = rows.flatMap(({ way, failures: reasons }) =>
    [...new Set(reasons)].map(
      reason => `- ${way}, failed ${count(reasons, reason)} of its repeats: ${reason}`,
    ),
  );
  return [
    `### ${id}`,
    `${title}.`,
    table(
      ['', ...used.map(({ head }) => head), 'repeats'],
      rows.map(row => [
        row.way,
        ...used.map(column => describeSpread(row, column)),
        String(row.samples.length),
      ]),
    ),
    ...(failures.length > 0 ? [failures.join('\n')] : []),
  ];
}

function count(reasons: string[], wanted: string): number {
  return reasons.filter(reason => reason === wanted).length;
}

function describeSpread(row: Row, { value, format }: Column): string {
  const found = spread(row.samples.flatMap(sample => value(sample) ?? []));
  if (!found) return '–';
  const [median, minimum, maximum] = [found.median, found.minimum, found.maximum].map(format);
  return minimum === maximum ? `${median}` : `${median} (${minimum} – ${maximum})`;
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
