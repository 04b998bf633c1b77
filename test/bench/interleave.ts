import { bytesPerSecond, type CaseResult, type Row, type Sample, type Way } from './sample.ts';
import { formatRate } from './units.ts';

/**
 * Runs every way once, then every way again: whatever else the machine does falls on all of them. Each round begins
 * one way further on, so that none always follows the same other.
 */
export async function interleave(
  id: string,
  title: string,
  repeats: number,
  ways: Way[],
): Promise<CaseResult> {
  print(`\n${id}: ${title}`);
  const rows: Row[] = ways.map(({ name }) => ({ way: name, samples: [], failures: [] }));
  for (let round = 0; round < repeats; round += 1) {
    for (let step = 0; step < ways.length; step += 1) {
      const index = (round + step) % ways.length;
      await runOnce(ways[index] as Way, rows[index] as Row, round);
    }
  }
  return { id, title, rows };
}

/** A way that fails loses its repeat and is reported; the others go on. */
async function runOnce(way: Way, row: Row, round: number): Promise<void> {
  try {
    const sample = await way.run();
    row.samples.push({ ...sample, round });
    print(`  ${way.name.padEnd(32)} ${describe(sample)}`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    row.failures.push(reason);
    print(`  ${way.name.padEnd(32)} failed: ${reason}`);
  }
}

function describe(sample: Sample): string {
  const wire =
    sample.wireBytes === undefined ? '' : `, ${sample.wireBytes.toLocaleString('en')} bytes on the wire`;
  return `${formatRate(bytesPerSecond(sample))}, ${sample.seconds.toFixed(3)} s${wire}`;
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
