/** The ratios Guestwire should reach, and whether this run shows them. They don't fail a run: it's noisy. */

import { receiverNames } from '../../support/guest.ts';
import { compressionKinds, compressionLinks } from '../cases/compression.ts';
import { type BenchResult, bytesPerSecond } from '../sample.ts';
import { spread } from '../statistics.ts';
import { formatBytes, formatSeconds, threeDigits } from '../units.ts';
import { combineRounds, rateRatios, valuesOf } from './lookUp.ts';

export interface Verdict {
  what: string;
  demanded: string;
  measured: string;
  verdict: 'met' | 'not met' | 'not measured';
}

interface Demand {
  what: string;
  atLeast?: number;
  under?: number;
  format: (value: number) => string;
  /** One a round. */
  values: (result: BenchResult) => number[];
}

const times = (value: number): string => `${threeDigits(value)} ×`;
const percent = (value: number): string => `${threeDigits(value * 100)} %`;
const peers = (trigger: number): string[] => [`ZMODEM, trigger ${trigger}`, `Kermit, trigger ${trigger}`];
const serial = { random: 'serial-random', text: 'serial-text' };

export const mostRssBytes = 200e6;

function ratio(what: string, atLeast: number, caseId: string, others: string[], own = 'Guestwire'): Demand {
  return { what, atLeast, format: times, values: result => rateRatios(result, caseId, own, others) };
}

function compressionRatio(pair: string): Demand {
  return ratio(
    `${pair}: \`--compress auto\` against \`off\``,
    0.97,
    'compression',
    [`${pair}, off`],
    `${pair}, auto`,
  );
}

function receiverRatio(link: string, atLeast: number): Demand {
  const [own, other] = [`${link}, ${receiverNames.mono}`, `${link}, ${receiverNames.python}`];
  return ratio(
    `${link}: receiver.ps1's engine under Mono against receiver.py`,
    atLeast,
    'receivers',
    [other],
    own,
  );
}

const demands: Demand[] = [
  ratio('isa-serial, incompressible: raw dd at the same trigger', 0.95, serial.random, ['dd, trigger 14']),
  ratio('isa-serial, incompressible: raw dd at the default trigger', 1.3, serial.random, ['dd, trigger 8']),
  ratio('isa-serial, source text: raw dd at the same trigger', 4, serial.text, ['dd, trigger 14']),
  ratio('isa-serial, incompressible: better of ZMODEM and Kermit as they come', 1.4, serial.random, peers(8)),
  ratio('isa-serial, source text: better of ZMODEM and Kermit as they come', 5, serial.text, peers(8)),
  ratio('isa-serial, incompressible: both with the trigger raised', 1, serial.random, peers(14)),
  ratio('isa-serial, source text: both with the trigger raised', 4, serial.text, peers(14)),
  ratio('virtio console, incompressible: raw dd', 0.9, 'console-random', ['dd']),
  ratio('virtio channel, verified, into a tmpfs: dd, then sha256sum', 0.7, 'channel-random', [
    'dd, then sha256sum',
  ]),
  ...compressionLinks.flatMap(link => compressionKinds.map(kind => compressionRatio(`${link}, ${kind}`))),
  ratio('virtio channel: guest agent with its best chunk', 20, 'channel-agent', ['guest agent']),
  receiverRatio('isa-serial', 0.9),
  receiverRatio('virtio channel', 0.5),
  {
    what: '1 % changed in 20 places, isa-serial: part of its bytes on the wire',
    under: 0.025,
    format: percent,
    values: result =>
      valuesOf(result, 'delta', '1 %', ({ wireBytes, bytes }) => (wireBytes ?? Number.NaN) / bytes),
  },
  {
    what: 'unchanged file, isa-serial: time beyond what the guest takes to hash it',
    under: 2,
    format: formatSeconds,
    values: result =>
      combineRounds(
        result,
        'delta',
        ['unchanged, but', 'the guest hashes'],
        (copy, hash = 0) => copy - hash,
        ({ seconds }) => seconds,
      ),
  },
  {
    what: 'unchanged file, isa-serial: bytes on the wire',
    under: 65_536,
    format: formatBytes,
    values: result => valuesOf(result, 'delta', 'unchanged, but', ({ wireBytes }) => wireBytes),
  },
  {
    what: 'many small files: one file of the same bytes',
    atLeast: 0.5,
    format: times,
    values: result => {
      const many = result.cases.find(({ id }) => id === 'tree')?.rows[0]?.way ?? '';
      return rateRatios(result, 'tree', many, ['one file']);
    },
  },
  {
    what: 'host RSS of com-dd: that of the largest file to that of the smallest',
    under: 1.5,
    format: times,
    values: result => {
      const ways = result.cases.find(({ id }) => id === 'sizes')?.rows.map(({ way }) => way) ?? [];
      const [smallest = '', largest = ''] = [ways[0], ways.at(-1)];
      return combineRounds(
        result,
        'sizes',
        [largest, smallest],
        (most, least = Number.NaN) => most / least,
        ({ hostRssBytes }) => hostRssBytes,
      );
    },
  },
  {
    what: 'host RSS of com-dd, most in any case',
    under: mostRssBytes,
    format: formatBytes,
    values: largestRss,
  },
];

/** The one value that counts; a list as of all the others. Only com-dd tells the time of the whole command. */
function largestRss(result: BenchResult): number[] {
  const all = result.cases.flatMap(({ rows }) =>
    rows.flatMap(({ samples }) =>
      samples.flatMap(({ commandSeconds, hostRssBytes, hostProcesses = 1 }) =>
        commandSeconds === undefined || hostRssBytes === undefined ? [] : hostRssBytes / hostProcesses,
      ),
    ),
  );
  return all.length > 0 ? [Math.max(...all)] : [];
}

export function judge(result: BenchResult): Verdict[] {
  return demands.map(({ what, atLeast, under, format, values }) => {
    const demanded = atLeast === undefined ? `under ${format(under ?? 0)}` : `at least ${format(atLeast)}`;
    const found = spread(values(result).filter(Number.isFinite));
    if (!found) return { what, demanded, measured: '–', verdict: 'not measured' };
    const met = atLeast === undefined ? found.median < (under ?? 0) : found.median >= atLeast;
    const range =
      found.minimum === found.maximum ? '' : ` (${format(found.minimum)} – ${format(found.maximum)})`;
    return { what, demanded, measured: `${format(found.median)}${range}`, verdict: met ? 'met' : 'not met' };
  });
}

/** For the terminal. */
export function describeDemands(result: BenchResult): string[] {
  const lines = judge(result)
    .filter(({ verdict }) => verdict !== 'not measured')
    .map(
      ({ what, demanded, measured, verdict }) =>
        `${verdict.padEnd(13)} ${what}: ${measured}, demanded ${demanded}`,
    );
  return [
    'Ratios of this run (median of its rounds; other load on the machine moves them):',
    ...lines,
    ...paper(result),
  ];
}

/** "Implementation of a cooperative VMM…": 1 MB to a Windows 7 guest's NULL device over a 16550A, mean of ten. */
const PAPER_BYTES_PER_SECOND = 51_770;

/** Another machine's figure: a curiosity, no demand. */
function paper(result: BenchResult): string[] {
  const rates = valuesOf(result, serial.random, 'Guestwire', bytesPerSecond);
  if (rates.length === 0) return [];
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const ratio = times(mean / PAPER_BYTES_PER_SECOND);
  return [
    `${''.padEnd(13)} isa-serial, incompressible: mean of ${rates.length}: ${Math.round(mean)} bytes/s, ${ratio} the paper's rate`,
  ];
}
