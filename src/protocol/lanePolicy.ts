/**
 * Whether several lanes carry more than one does, by what they have been measured to do. Pure: the time is handed in.
 * Only time in which there was more to send than the lanes would take tells anything.
 *
 * | phase | lanes used | until | then |
 * |---|---|---|---|
 * | narrow | the first | enough is measured | wide |
 * | wide | all | enough is measured | decided |
 * | decided | all, if they were faster by WORTHWHILE_GAIN | the verdict is too old | narrow |
 */
import type { FeatureMode } from '../text/featureMode.ts';

/** The first of a trial still belongs to what was under way before. */
const SETTLE_MS = 500;
const TRIAL_MS = 2_000;
/** Some frames on each lane, or the grain of the acknowledgements would be measured. */
const TRIAL_BYTES = 32_768;
/** Several lanes cost the guest more; they must be worth it. */
const WORTHWHILE_GAIN = 1.05;
/** A verdict holds so long, then twice as long, and so on: a trial of the slower way costs something. */
const FIRST_VERDICT_MS = 30_000;
const MAX_VERDICT_MS = 480_000;

type Phase = 'narrow' | 'wide' | 'decided';

export class LanePolicy {
  /** Use all lanes, not only the first. */
  isWide: boolean;
  /** There is more to send than the lanes take. */
  isBacklogged = false;
  readonly #mode: FeatureMode;
  #phase: Phase = 'narrow';
  /** Of this phase, as far as there was a backlog. */
  #busyMs = 0;
  #measuredMs = 0;
  #measuredBytes = 0;
  #narrowBytesPerMs = 0;
  #verdictMs = FIRST_VERDICT_MS;
  #lastAt: number | undefined;

  /** @param mode - `on` takes all lanes there are, measured or not */
  constructor(mode: FeatureMode) {
    this.#mode = mode;
    this.isWide = mode === 'on';
  }

  /** @param acknowledgedBytes - since it was last called */
  observe(acknowledgedBytes: number, now: number): void {
    const elapsedMs = now - (this.#lastAt ?? now);
    this.#lastAt = now;
    if (this.#mode !== 'auto' || !this.isBacklogged) return;
    if (this.#busyMs >= SETTLE_MS) {
      this.#measuredMs += elapsedMs;
      this.#measuredBytes += acknowledgedBytes;
    }
    this.#busyMs += elapsedMs;
    if (this.#phase === 'decided') {
      if (this.#busyMs >= this.#verdictMs) this.#tryAgain();
    } else if (this.#measuredMs >= TRIAL_MS && this.#measuredBytes >= TRIAL_BYTES) this.#judge();
  }

  #judge(): void {
    const bytesPerMs = this.#measuredBytes / this.#measuredMs;
    if (this.#phase === 'narrow') {
      this.#narrowBytesPerMs = bytesPerMs;
      this.#begin('wide', true);
    } else this.#begin('decided', bytesPerMs > WORTHWHILE_GAIN * this.#narrowBytesPerMs);
  }

  #tryAgain(): void {
    this.#verdictMs = Math.min(2 * this.#verdictMs, MAX_VERDICT_MS);
    this.#begin('narrow', false);
  }

  #begin(phase: Phase, isWide: boolean): void {
    this.#phase = phase;
    this.isWide = isWide;
    this.#busyMs = 0;
    this.#measuredMs = 0;
    this.#measuredBytes = 0;
  }
}
