import { bytesPerSecond, type CaseResult, type Row } from '../sample.ts';
import { type Spread, spread } from '../statistics.ts';
import { formatRate } from '../units.ts';
import { line, type Panel, rectangle, text } from './svg.ts';

const TITLE_HEIGHT = 44;
const ROW_HEIGHT = 24;
const BAR_HEIGHT = 14;
const LEAST_LABEL_WIDTH = 190;
/** Of the plot's font, on average: nobody measures text here. */
const CHARACTER_WIDTH = 6.8;
const LABEL_GAP = 8;
const VALUE_WIDTH = 74;

/** Rates as horizontal bars from zero; a failed way has the word instead. */
export function barPanel({ id, title, rows }: CaseResult, width: number): Panel {
  const rates = rows.map(row => spread(row.samples.map(bytesPerSecond)));
  const largest = Math.max(...rates.map(rate => rate?.maximum ?? 0), 1);
  const left = labelWidth(rows);
  const scale = (width - left - VALUE_WIDTH) / largest;
  const height = TITLE_HEIGHT + rows.length * ROW_HEIGHT;
  const [head = title, tail = ''] = splitTitle(title);
  const bars = rows.map((row, index) =>
    bar(row, rates[index], left, TITLE_HEIGHT + index * ROW_HEIGHT, scale),
  );
  const content = [
    text(0, 16, head, 'title'),
    text(0, 32, tail === '' ? id : tail, 'quiet'),
    line(left, TITLE_HEIGHT - 4, left, height, 'axis'),
    ...bars,
  ];
  return { height, content: content.join('') };
}

function labelWidth(rows: Row[]): number {
  const longest = Math.max(...rows.map(({ way }) => way.length));
  return Math.max(LEAST_LABEL_WIDTH, Math.ceil(longest * CHARACTER_WIDTH) + LABEL_GAP);
}

/** A title's second part, behind the semicolon, is its small print. */
function splitTitle(title: string): string[] {
  return title.split('; ');
}

function bar(row: Row, rate: Spread | undefined, left: number, y: number, scale: number): string {
  const middle = y + ROW_HEIGHT / 2;
  const label = text(left - LABEL_GAP, middle + 4, row.way, '', 'end');
  if (!rate) return label + text(left + LABEL_GAP, middle + 4, 'failed', 'quiet');
  const end = left + rate.maximum * scale;
  return [
    label,
    rectangle(left, middle - BAR_HEIGHT / 2, rate.median * scale, BAR_HEIGHT, kindOf(row.way)),
    line(left + rate.minimum * scale, middle, end, middle, 'whisker'),
    text(end + 6, middle + 4, formatRate(rate.median), 'quiet'),
  ].join('');
}

function kindOf(way: string): string {
  if (/^(dd|tar)\b|UART/.test(way)) return 'raw';
  return /^(ZMODEM|Kermit|base64|guest agent)/.test(way) ? 'peer' : 'own';
}
