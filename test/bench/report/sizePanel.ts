/** Cost against size: of time and of memory, a panel each. */
import type { CaseResult, Row } from '../sample.ts';
import { type Spread, spread } from '../statistics.ts';
import { formatBytes, formatSeconds } from '../units.ts';
import { mostRssBytes } from './demands.ts';
import { circle, line, type Panel, text } from './svg.ts';

const [TOP, BOTTOM, LEFT, RIGHT] = [56, 220, 10, 10];
const HEIGHT = 246;

interface Point {
  label: string;
  bytes: number;
  value: Spread;
}

type Scale = (value: number) => number;

interface Course {
  title: string;
  smallPrint: string;
  points: Point[];
  /** Of the values, in pixels. */
  y: Scale;
  format: (value: number) => string;
}

export function sizePanels({ title, rows }: CaseResult, width: number): Panel[] {
  const [where] = title.split('; ');
  return [
    timeCourse(`${where}, time against size`, rows),
    memoryCourse(`${where}, memory against size`, rows),
  ]
    .filter(({ points }) => points.length > 0)
    .map(course => coursePanel(course, width));
}

/** Both axes logarithmic: what is proportional is a straight line. */
function timeCourse(title: string, rows: Row[]): Course {
  const points = rows.flatMap(row =>
    pointOf(
      row,
      row.samples.map(({ commandSeconds, seconds }) => commandSeconds ?? seconds),
    ),
  );
  const values = points.flatMap(({ value }) => [value.minimum, value.maximum]);
  const smallPrint = 'seconds of the whole command, both axes logarithmic';
  return { title, smallPrint, points, y: logarithmic(values, BOTTOM, TOP), format: formatSeconds };
}

/** From zero, and up to what is demanded at least. */
function memoryCourse(title: string, rows: Row[]): Course {
  const points = rows.flatMap(row =>
    pointOf(
      row,
      row.samples.flatMap(({ hostRssBytes }) => hostRssBytes ?? []),
    ),
  );
  const most = Math.max(mostRssBytes, ...points.map(({ value }) => value.maximum));
  const smallPrint = `most memory com-dd had (VmHWM); the axis ends at ${formatBytes(most)}`;
  const y: Scale = value => BOTTOM + (value / most) * (TOP - BOTTOM);
  return { title, smallPrint, points, y, format: formatBytes };
}

function coursePanel({ title, smallPrint, points, y, format }: Course, width: number): Panel {
  const x = logarithmic(
    points.map(({ bytes }) => bytes),
    LEFT,
    width - RIGHT,
  );
  const corner = ({ bytes, value }: Point): string =>
    `${Math.round(x(bytes))},${Math.round(y(value.median))}`;
  const content = [
    text(0, 16, title, 'title'),
    text(0, 32, smallPrint, 'quiet'),
    line(LEFT, TOP, LEFT, BOTTOM, 'axis'),
    line(LEFT, BOTTOM, width - RIGHT, BOTTOM, 'axis'),
    `<polyline points="${points.map(corner).join(' ')}" class="course"/>`,
    ...points.flatMap(({ label, bytes, value }) => [
      line(x(bytes), y(value.minimum), x(bytes), y(value.maximum), 'whisker'),
      circle(x(bytes), y(value.median), 4, 'own'),
      text(x(bytes), y(value.maximum) - 9, format(value.median), '', 'middle'),
      text(x(bytes), BOTTOM + 18, label, 'quiet', 'middle'),
    ]),
  ];
  return { height: HEIGHT, content: content.join('') };
}

function pointOf({ way, samples }: Row, values: number[]): Point[] {
  const value = spread(values);
  const bytes = samples[0]?.bytes;
  return value && bytes !== undefined ? [{ label: way, bytes, value }] : [];
}

/** Maps the values' range onto pixels, with some room at both ends. */
function logarithmic(values: number[], from: number, to: number): Scale {
  const [low, high] = [Math.log(Math.min(...values) / 2), Math.log(Math.max(...values) * 2)];
  return value => from + ((Math.log(value) - low) / (high - low)) * (to - from);
}
