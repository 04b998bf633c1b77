import { bytesPerSecond, type CaseResult, type Row, type Sample, type Way } from './sample.ts';
import { formatDuration, formatRate } from './units.ts';

/**
 * Runs every way once, then every way again: whatever else the machine does falls on all of them. Each round begins
 * one way further on, so that none always follows the same other.
 */
export function interleave(id: string, title: string, repeats: number, ways: Way[]): Promise<CaseResult> {
  return interleaveGroups(id, title, repeats, [ways]);
}

/** The same, where only the ways of one group are compared: those take turns without the others in between. */
export async function interleaveGroups(
  id: string,
  title: string,
  repeats: number,
  groups: Way[][],
): Promise<CaseResult> {
  print(`\n${id}: ${title}`);
  const lanes = groups.map(ways =>
    ways.map(way => ({
      way,
      row: { way: way.name, samples: [], failures: [] } as Row,
      left: way.repeats ?? repeats,
    })),
  );
  for (let round = 0; round < repeats; round += 1) {
    let estimate = 0;
    for (const lane of lanes) {
      for (const turn of rotate(lane, round).filter(({ left }) => left > 0)) {
        const seconds = await runOnce(turn.way, turn.row, round);
        turn.left -= 1;
        estimate += seconds * turn.left;
      }
    }
    if (round === 0 && estimate > 0) print(`  ${id}: about ${formatDuration(estimate)} more`);
  }
  return { id, title, rows: lanes.flat().map(({ row }) => row) };
}

function rotate<T>(items: T[], by: number): T[] {
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

/**
 * A way that fails loses its repeat and is reported; the others go on.
 *
 * @returns seconds it took with all that had to be prepared
 */
async function runOnce(way: Way, row: Row, round: number): Promise<number> {
  const startedAt = performance.now();
  try {
    const sample = await way.run();
    row.samples.push({ ...sample, round });
    print(`  ${way.name.padEnd(32)} ${describe(sample)}`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    row.failures.push(reason);
    print(`  ${way.name.padEnd(32)} failed: ${reason}`);
  }
  return (performance.now() - startedAt) / 1_000;
}

function describe(sample: Sample): string {
  const wire =
    sample.wireBytes === undefined ? '' : `, ${sample.wireBytes.toLocaleString('en')} bytes on the wire`;
  return `${formatRate(bytesPerSecond(sample))}, ${sample.seconds.toFixed(3)} s${wire}`;
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
