/** What one copy gave. Figures a way has no means to tell are absent, never guessed. */
export interface Sample {
  /** Of the files, before any compression. */
  bytes: number;
  /** From the first byte to the end, by the clock nearest to the transfer: dd's own, com-dd's own, else the program's run. */
  seconds: number;
  /** The program from its start to its end, with reaching libvirt and shaking hands. */
  commandSeconds?: number;
  /** On the link, both directions. */
  wireBytes?: number;
  hostCpuSeconds?: number;
  /** Most at any time; of several processes the sum. */
  hostRssBytes?: number;
  /** How many there were, where not one. */
  hostProcesses?: number;
  guestCpuSeconds?: number;
  /** Where there were many, so that it tells something what one of them took. */
  files?: number;
}

export interface Way {
  name: string;
  /** How often, where not as often as its case: of a slow way that others are not judged by, fewer. */
  repeats?: number;
  run(): Promise<Sample>;
}

/** Samples of one round ran within a minute or so of each other: those are compared. */
export interface RoundSample extends Sample {
  round: number;
}

export interface Row {
  way: string;
  samples: RoundSample[];
  /** What went wrong, a sentence each; such a repeat has no sample. */
  failures: string[];
}

export interface CaseResult {
  id: string;
  title: string;
  rows: Row[];
  /** All its rounds, with what had to be prepared for each copy. */
  elapsedSeconds?: number;
}

/** Figures of one run of the benchmark, as kept in benchmark.json. */
export interface BenchResult {
  machine: Record<string, string>;
  /** Whether it was `--quick`. */
  quick: boolean;
  cases: CaseResult[];
}

export function bytesPerSecond({ bytes, seconds }: Sample): number {
  return bytes / seconds;
}
