/** Questions to a run's figures. Each answer is a list, one value a round in which all it needs was measured. */
import { type BenchResult, bytesPerSecond, type RoundSample, type Row } from '../sample.ts';

export type Value = (sample: RoundSample) => number | undefined;

/** A way is named by how its name begins. */
function findRow(result: BenchResult, caseId: string, way: string): Row | undefined {
  return result.cases.find(({ id }) => id === caseId)?.rows.find(row => row.way.startsWith(way));
}

export function valuesOf(result: BenchResult, caseId: string, way: string, value: Value): number[] {
  return (findRow(result, caseId, way)?.samples ?? []).flatMap(sample => value(sample) ?? []);
}

/** Rate of one way to that of the fastest of others, round by round. */
export function rateRatios(result: BenchResult, caseId: string, way: string, others: string[]): number[] {
  return combineRounds(
    result,
    caseId,
    [way, ...others],
    (own, ...rest) => own / Math.max(...rest),
    bytesPerSecond,
  );
}

/** Applies `combine` to the values the ways had in the same round. */
export function combineRounds(
  result: BenchResult,
  caseId: string,
  ways: string[],
  combine: (own: number, ...others: number[]) => number,
  value: Value,
): number[] {
  const rows = ways.map(way => findRow(result, caseId, way)?.samples ?? []);
  return (rows[0] ?? []).flatMap(({ round }) => {
    const values = rows.flatMap(samples => samples.filter(sample => sample.round === round)).map(value);
    const [own, ...others] = values.filter(found => found !== undefined);
    return own === undefined || others.length < ways.length - 1 ? [] : combine(own, ...others);
  });
}
