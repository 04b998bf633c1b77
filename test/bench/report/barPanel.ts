import { bytesPerSecond, type CaseResult, type Row } from '../sample.ts';
import { type Spread, spread } from '../statistics.ts';
import { formatRate } from '../units.ts';
import { line, type Panel, rectangle, text } from './svg.ts';

const TITLE_HEIGHT = 44;
const ROW_HEIGHT = 24;
const BAR_HEIGHT = 14;
const LABEL_WIDTH = 190;
const VALUE_WIDTH = 74;

/** Rates as horizontal bars from zero; a failed way has the word instead. */
export function barPanel({ id, title, rows }: CaseResult, width: number): Panel {
  const rates = rows.map(row => spread(row.samples.map(bytesPerSecond)));
  const largest = Math.max(...rates.map(rate => rate?.maximum ?? 0), 1);
  const scale = (width - LABEL_WIDTH - VALUE_WIDTH) / largest;
  const height = TITLE_HEIGHT + rows.length * ROW_HEIGHT;
  const [head = title, tail = ''] = splitTitle(title);
  const bars = rows.map((row, index) => bar(row, rates[index], TITLE_HEIGHT + index * ROW_HEIGHT, scale));
  const content = [
    text(0, 16, head, 'title'),
    text(0, 32, tail === '' ? id : tail, 'quiet'),
    line(LABEL_WIDTH, TITLE_HEIGHT - 4, LABEL_WIDTH, height, 'axis'),
    ...bars,
  ];
  return { height, content: content.join('') };
}

/** A title's second part, behind the semicolon, is its small print. */
function splitTitle(title: string): string[] {
  return title.split('; ');
}

function bar(row: Row, rate: Spread | undefined, y: number, scale: number): string {
  const middle = y + ROW_HEIGHT / 2;
  const label = text(LABEL_WIDTH - 8, middle + 4, row.way, '', 'end');
  if (!rate) return label + text(LABEL_WIDTH + 8, middle + 4, 'failed', 'quiet');
  const end = LABEL_WIDTH + rate.maximum * scale;
  return [
    label,
    rectangle(LABEL_WIDTH, middle - BAR_HEIGHT / 2, rate.median * scale, BAR_HEIGHT, kindOf(row.way)),
    line(LABEL_WIDTH + rate.minimum * scale, middle, end, middle, 'whisker'),
    text(end + 6, middle + 4, formatRate(rate.median), 'quiet'),
  ].join('');
}

function kindOf(way: string): string {
  if (/^(dd|tar)\b|UART/.test(way)) return 'raw';
  return /^(ZMODEM|Kermit|base64|guest agent)/.test(way) ? 'peer' : 'own';
}
