/**
 * Whether the next piece is worth compressing, and how hard: by what the line and the compressor have been measured to
 * do, and by the data. One policy serves all files of a session, so that what was learned is not learned again.
 */
import { constants, deflateRawSync } from 'node:zlib';
import { GoodputMeter } from './goodputMeter.ts';

export type CompressionMode = 'auto' | 'on' | 'off';

/** How a piece goes over, as far as its speed is concerned. */
export type Way = 'plain' | 'encoded';

/** The line waits for nothing less than the best there is. */
const SLOW_LINE_EFFORT = 9;
/** Where the compressor may be what takes longest… */
const QUICK_EFFORT = 1;
/** …and where it has time to spare, or its user has asked for it. */
const THOROUGH_EFFORT = 6;

/** Looking at this many bytes tells text from what is compressed already, at a hundredth of a block's cost. */
const SAMPLE_BYTES = 8_192;
/** A sample that shrinks less than this does not pay on a fast line. */
const WORTHWHILE_RATIO = 0.85;
/** After data that does not compress, the next look comes 1, 2, 4… and at most this many pieces later. */
const MAX_PAUSE_PIECES = 16;

/** What DEFLATE does on one processor, by effort; believed until it is measured. */
const EXPECTED_CODEC_BYTES_PER_SECOND = { [QUICK_EFFORT]: 60e6, [THOROUGH_EFFORT]: 20e6 } as const;
/** How much faster a line with compression is expected to be at best, until that is measured. */
const EXPECTED_GAIN = 3;
/** The compressor must be this much faster than the line before it is even tried. */
const CODEC_LEAD = 1.5;
/** Pieces of one way before its speed is believed. */
const TRIAL_PIECES = 6;
/** The other way is tried again after this many pieces, then twice as many, and so on: it costs little. */
const FIRST_RETRIAL_PIECES = 128;

export class CompressionPolicy {
  readonly #mode: CompressionMode;
  readonly #isSlowLine: boolean;
  readonly #goodput = { plain: new GoodputMeter(), encoded: new GoodputMeter() };
  readonly #codecRates = { [QUICK_EFFORT]: new GoodputMeter(), [THOROUGH_EFFORT]: new GoodputMeter() };
  #pausedPieces = 0;
  #nextPause = 1;
  #piecesOfThisWay = 0;
  #way: Way = 'plain';
  #retrialAfter = FIRST_RETRIAL_PIECES;
  #lastAcknowledged: { way: Way; atMs: number; put: unknown } | undefined;

  /** @param device - as the receiver's WELCOME names its port */
  constructor(mode: CompressionMode, device: string) {
    this.#mode = mode;
    this.#isSlowLine = device !== 'console' && device !== 'channel';
  }

  /** @returns the effort for these bytes, or undefined where they should go as they are. */
  effortFor(bytes: Buffer): number | undefined {
    if (this.#mode === 'off' || bytes.length === 0) return undefined;
    if (this.#mode === 'on') return THOROUGH_EFFORT;
    // A whole try costs less here than one byte too many on the line.
    if (this.#isSlowLine) return SLOW_LINE_EFFORT;
    const isWorthTrying = this.#chooseWay() === 'encoded' && this.#compresses(bytes);
    return isWorthTrying ? this.#fastLineEffort() : undefined;
  }

  onEncoded(rawBytes: number, effort: number, elapsedMs: number): void {
    if (effort === QUICK_EFFORT || effort === THOROUGH_EFFORT)
      this.#codecRates[effort].add(rawBytes, elapsedMs);
  }

  /**
   * A whole piece has arrived.
   *
   * @param put - which file's; the time between two pieces tells nothing where a file lies between them
   */
  onAcknowledged(rawBytes: number, way: Way, put: unknown, nowMs: number): void {
    const last = this.#lastAcknowledged;
    this.#lastAcknowledged = { way, atMs: nowMs, put };
    if (last && last.put === put && last.way === way) this.#goodput[way].add(rawBytes, nowMs - last.atMs);
  }

  /** Plain first; the compressor gets its trial where it is so much faster than the line that it could win. */
  #chooseWay(): Way {
    this.#piecesOfThisWay += 1;
    const { plain, encoded } = this.#goodput;
    if (plain.samples < TRIAL_PIECES) return this.#turnTo('plain');
    if (!this.#codecCouldWin(plain.bytesPerSecond)) return this.#turnTo('plain');
    if (encoded.samples < TRIAL_PIECES) return this.#turnTo('encoded');
    if (this.#piecesOfThisWay > this.#retrialAfter) {
      this.#retrialAfter *= 2;
      this.#goodput[this.#way === 'plain' ? 'encoded' : 'plain'].forget();
    }
    return this.#turnTo(encoded.bytesPerSecond > plain.bytesPerSecond ? 'encoded' : 'plain');
  }

  #codecCouldWin(lineBytesPerSecond: number): boolean {
    return this.#codecRate(QUICK_EFFORT) > CODEC_LEAD * lineBytesPerSecond;
  }

  /** As thorough as it can be without being what the line waits for. */
  #fastLineEffort(): number {
    const { plain, encoded } = this.#goodput;
    const wanted = encoded.samples > 0 ? encoded.bytesPerSecond : EXPECTED_GAIN * plain.bytesPerSecond;
    return this.#codecRate(THOROUGH_EFFORT) > CODEC_LEAD * wanted ? THOROUGH_EFFORT : QUICK_EFFORT;
  }

  #codecRate(effort: typeof QUICK_EFFORT | typeof THOROUGH_EFFORT): number {
    const measured = this.#codecRates[effort];
    return measured.samples > 0 ? measured.bytesPerSecond : EXPECTED_CODEC_BYTES_PER_SECOND[effort];
  }

  #turnTo(way: Way): Way {
    if (way !== this.#way) this.#piecesOfThisWay = 0;
    this.#way = way;
    return way;
  }

  #compresses(bytes: Buffer): boolean {
    if (this.#pausedPieces > 0) {
      this.#pausedPieces -= 1;
      return false;
    }
    const from = Math.max(0, (bytes.length - SAMPLE_BYTES) >> 1);
    const sample = bytes.subarray(from, from + SAMPLE_BYTES);
    const level = constants.Z_BEST_SPEED;
    if (deflateRawSync(sample, { level }).length < WORTHWHILE_RATIO * sample.length) {
      this.#nextPause = 1;
      return true;
    }
    this.#pausedPieces = this.#nextPause;
    this.#nextPause = Math.min(2 * this.#nextPause, MAX_PAUSE_PIECES);
    return false;
  }
}
