import type { CaseResult, Row } from '../sample.ts';
import { spread } from '../statistics.ts';
import { formatBytes, formatSeconds } from '../units.ts';
import { circle, line, type Panel, text } from './svg.ts';

const [TOP, BOTTOM, LEFT, RIGHT] = [64, 250, 10, 10];
const HEIGHT = 290;

/** Time of the whole command over size, both logarithmic: what is proportional is a straight line. */
export function sizePanel({ title, rows }: CaseResult, width: number): Panel {
  const points = rows.flatMap(pointOf);
  const x = logarithmic(
    points.map(({ bytes }) => bytes),
    LEFT,
    width - RIGHT,
  );
  const y = logarithmic(
    points.flatMap(({ low, high }) => [low, high]),
    BOTTOM,
    TOP,
  );
  const content = [
    text(0, 16, title.split('; ').join(', '), 'title'),
    text(0, 32, 'seconds of the whole command, below it the most memory com-dd had', 'quiet'),
    line(LEFT, TOP, LEFT, BOTTOM, 'axis'),
    line(LEFT, BOTTOM, width - RIGHT, BOTTOM, 'axis'),
    `<polyline points="${points.map(({ bytes, seconds }) => `${Math.round(x(bytes))},${Math.round(y(seconds))}`).join(' ')}" class="course"/>`,
    ...points.flatMap(({ bytes, label, seconds, low, high, rss }) => [
      line(x(bytes), y(low), x(bytes), y(high), 'whisker'),
      circle(x(bytes), y(seconds), 4, 'own'),
      text(x(bytes) + 6, y(high) - 21, formatSeconds(seconds), '', 'end'),
      text(x(bytes) + 6, y(high) - 8, formatBytes(rss), 'quiet', 'end'),
      text(x(bytes), BOTTOM + 18, label, 'quiet', 'middle'),
    ]),
  ];
  return { height: HEIGHT, content: content.join('') };
}

function pointOf({ way, samples }: Row) {
  const seconds = spread(samples.map(sample => sample.commandSeconds ?? sample.seconds));
  const rss = spread(samples.flatMap(({ hostRssBytes }) => hostRssBytes ?? []));
  const bytes = samples[0]?.bytes;
  if (!seconds || !rss || bytes === undefined) return [];
  const { median, minimum, maximum } = seconds;
  return [{ label: way, bytes, seconds: median, low: minimum, high: maximum, rss: rss.maximum }];
}

/** Maps the values' range onto pixels, with some room at both ends. */
function logarithmic(values: number[], from: number, to: number): (value: number) => number {
  const [low, high] = [Math.log(Math.min(...values) / 1.5), Math.log(Math.max(...values) * 1.5)];
  return value => from + ((Math.log(value) - low) / (high - low)) * (to - from);
}
