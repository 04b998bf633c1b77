/**
 * Whether the next piece is worth compressing, and how hard: by what the line and the compressor have been measured to
 * do, and by the data. One policy serves all files of a session, so that what was learned is not learned again.
 */
import { constants, deflateRawSync } from 'node:zlib';
import type { FeatureMode } from '../text/featureMode.ts';
import type { Codec, Level } from './codec/codec.ts';
import { isSlowLine } from './lineSpeed.ts';
import { GoodputMeter } from './meters.ts';

/** How a piece goes over, as far as its speed is concerned. */
export type PieceForm = 'plain' | 'encoded';

/** Looking at this many bytes tells text from what is compressed already, at a hundredth of a block's cost. */
const SAMPLE_BYTES = 8_192;
/** A sample that shrinks less than this doesn't pay on a fast line. */
const WORTHWHILE_RATIO = 0.85;
/** On a slow line the whole piece is looked at, and little is enough. */
const SLOW_LINE_RATIO = 0.99;
/** After data that doesn't compress, the next look comes 1, 2, 4… and at most this many pieces later. */
const MAX_PAUSE_PIECES = 16;

/** How much faster a line with compression is expected to be at best, until that is measured. */
const EXPECTED_GAIN = 3;
/** The compressor must be this much faster than the line before it is even tried. */
const CODEC_LEAD = 1.5;
/** A slow line gets every percent: the compressor need only not be what it waits for. */
const SLOW_LINE_LEAD = 1.2;
/** The first pieces of a level also pay for its memory, and a change of it for a new history. */
const SLOW_LINE_TRIAL_PIECES = 4;
/** A smaller piece tells what it costs to begin, not how fast a level is. */
const SLOW_LINE_MEASURED_BYTES = 16 * 1_024;
/** Pieces of one form before its speed is believed. */
const TRIAL_PIECES = 6;
/** The other form, or a smaller level, is tried again after this many pieces, then twice as many…: it costs little. */
const FIRST_RETRIAL_PIECES = 128;

export class CompressionPolicy {
  readonly #mode: FeatureMode;
  readonly #isSlowLine: boolean;
  readonly #levels: readonly Level[];
  /** Data is looked at before it is encoded, slow as the line may be. */
  readonly #looksFirst: boolean;
  readonly #goodput = { plain: new GoodputMeter(), encoded: new GoodputMeter() };
  readonly #codecRates: Map<number, GoodputMeter>;
  #pausedPieces = 0;
  #nextPause = 1;
  #piecesOfThisForm = 0;
  #form: PieceForm = 'plain';
  #retrialAfter = FIRST_RETRIAL_PIECES;
  #piecesBelowSmallest = 0;
  #smallerRetrialAfter = FIRST_RETRIAL_PIECES;
  #lastAcknowledged: { form: PieceForm; atMs: number; put: unknown } | undefined;

  /** @param device - as the receiver's WELCOME names its port */
  constructor(mode: FeatureMode, device: string, { levels, takesBack }: Codec) {
    this.#mode = mode;
    this.#isSlowLine = isSlowLine(device);
    this.#levels = this.#isSlowLine ? levels.slow : levels.fast;
    this.#looksFirst = !takesBack;
    this.#codecRates = new Map(this.#levels.map(({ level }) => [level, new GoodputMeter()]));
  }

  /** @returns the codec's level for these bytes, or undefined where they should go as they are. */
  levelFor(bytes: Buffer): number | undefined {
    if (this.#mode === 'off' || bytes.length === 0) return undefined;
    if (this.#isSlowLine) return this.#isWorthSlowLine(bytes) ? this.#slowLineLevel() : undefined;
    if (this.#mode === 'on') return this.#levels.at(-1)?.level;
    const isWorthTrying = this.#chooseForm() === 'encoded' && this.#compresses(bytes);
    return isWorthTrying ? this.#fastLineLevel() : undefined;
  }

  onEncoded(rawBytes: number, level: number, elapsedMs: number): void {
    if (this.#isSlowLine && rawBytes < SLOW_LINE_MEASURED_BYTES) return;
    this.#codecRates.get(level)?.add(rawBytes, elapsedMs);
  }

  /**
   * A whole piece has arrived.
   *
   * @param put - which file's; the time between two pieces tells nothing where a file lies between them
   */
  onAcknowledged(rawBytes: number, form: PieceForm, put: unknown, nowMs: number): void {
    const last = this.#lastAcknowledged;
    this.#lastAcknowledged = { form, atMs: nowMs, put };
    if (last && last.put === put && last.form === form) this.#goodput[form].add(rawBytes, nowMs - last.atMs);
  }

  /** Plain first; the compressor gets its trial where it is so much faster than the line that it could win. */
  #chooseForm(): PieceForm {
    this.#piecesOfThisForm += 1;
    const { plain, encoded } = this.#goodput;
    if (plain.samples < TRIAL_PIECES) return this.#turnTo('plain');
    if (!this.#codecCouldWin(plain.bytesPerSecond)) return this.#turnTo('plain');
    if (encoded.samples < TRIAL_PIECES) return this.#turnTo('encoded');
    if (this.#piecesOfThisForm > this.#retrialAfter) {
      this.#retrialAfter *= 2;
      this.#goodput[this.#form === 'plain' ? 'encoded' : 'plain'].forget();
    }
    return this.#turnTo(encoded.bytesPerSecond > plain.bytesPerSecond ? 'encoded' : 'plain');
  }

  #codecCouldWin(lineBytesPerSecond: number): boolean {
    const [quickest] = this.#levels;
    return quickest !== undefined && this.#rateOf(quickest) > CODEC_LEAD * lineBytesPerSecond;
  }

  /** As thorough as it can be without being what the line waits for. */
  #fastLineLevel(): number | undefined {
    const { plain, encoded } = this.#goodput;
    const wanted = encoded.samples > 0 ? encoded.bytesPerSecond : EXPECTED_GAIN * plain.bytesPerSecond;
    return this.#smallestAt(CODEC_LEAD * wanted);
  }

  /**
   * The smallest until the line is known: a change costs all that could be referred to. A level that was too slow once
   * is given another chance, seldom: the machine may have had more to do.
   */
  #slowLineLevel(): number | undefined {
    const { encoded } = this.#goodput;
    const smallest = this.#levels.at(-1)?.level;
    if (encoded.samples < SLOW_LINE_TRIAL_PIECES) return smallest;
    const level = this.#smallestAt(SLOW_LINE_LEAD * encoded.bytesPerSecond);
    if (level === smallest) return level;
    this.#piecesBelowSmallest += 1;
    if (this.#piecesBelowSmallest > this.#smallerRetrialAfter) {
      this.#piecesBelowSmallest = 0;
      this.#smallerRetrialAfter *= 2;
      for (const meter of this.#codecRates.values()) meter.forget();
    }
    return level;
  }

  /** The smallest level that does so many bytes per second, or else the quickest. */
  #smallestAt(bytesPerSecond: number): number | undefined {
    const found = this.#levels.findLast(level => this.#rateOf(level) > bytesPerSecond) ?? this.#levels[0];
    return found?.level;
  }

  #rateOf({ level, bytesPerSecond }: Level): number {
    const measured = this.#codecRates.get(level);
    const needed = this.#isSlowLine ? SLOW_LINE_TRIAL_PIECES : 1;
    return measured && measured.samples >= needed ? measured.bytesPerSecond : bytesPerSecond;
  }

  #turnTo(form: PieceForm): PieceForm {
    if (form !== this.#form) this.#piecesOfThisForm = 0;
    this.#form = form;
    return form;
  }

  /**
   * A whole try costs less here than one byte too many on the line. What can't be taken back is tried quickly first:
   * the thorough levels would take most of a processor to make nothing smaller.
   */
  #isWorthSlowLine(bytes: Buffer): boolean {
    return !this.#looksFirst || this.#mode === 'on' || shrinks(bytes, SLOW_LINE_RATIO);
  }

  #compresses(bytes: Buffer): boolean {
    if (this.#pausedPieces > 0) {
      this.#pausedPieces -= 1;
      return false;
    }
    const from = Math.max(0, (bytes.length - SAMPLE_BYTES) >> 1);
    if (shrinks(bytes.subarray(from, from + SAMPLE_BYTES), WORTHWHILE_RATIO)) {
      this.#nextPause = 1;
      return true;
    }
    this.#pausedPieces = this.#nextPause;
    this.#nextPause = Math.min(2 * this.#nextPause, MAX_PAUSE_PIECES);
    return false;
  }
}

function shrinks(bytes: Buffer, ratio: number): boolean {
  return deflateRawSync(bytes, { level: constants.Z_BEST_SPEED }).length < ratio * bytes.length;
}
