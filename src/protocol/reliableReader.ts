/**
 * The reading half of PROTOCOL.md §4: takes frames in order and says when to acknowledge. It keeps no frame, so memory
 * doesn't depend on what the peer sends.
 *
 * | the frame's sequence is | the frame | acknowledgement |
 * |---|---|---|
 * | `next` | is taken | when it asks for one, or a quarter of the window has come since the last |
 * | below `next`: sent again in vain | is dropped | at once: the peer may have missed the last |
 * | above `next`: one before it is lost | is dropped | with GAP, once until `next` has come |
 */
import { FLAG_ASK } from './constants.ts';
import { type Frame, frameBytes } from './frame.ts';

/** A frame that was dropped will come again, or has come before. */
export type FrameVerdict = 'take' | 'drop';

export class ReliableReader {
  /** Sequence of the frame expected next. */
  next = 0;
  /** An ACK is due, with this flag when a gap was seen. */
  ackDue: 'no' | 'ack' | 'gap' = 'no';
  readonly #window: number;
  #unacknowledgedBytes = 0;
  #gapReported = false;

  constructor(window: number) {
    this.#window = window;
  }

  accept(frame: Frame): FrameVerdict {
    if (frame.sequence < this.next) {
      this.#due('ack');
      return 'drop';
    }
    if (frame.sequence > this.next) {
      if (!this.#gapReported) this.#due('gap');
      this.#gapReported = true;
      return 'drop';
    }
    this.next += 1;
    this.#gapReported = false;
    this.#unacknowledgedBytes += frameBytes(frame.payload.length);
    if (frame.flags & FLAG_ASK || this.#unacknowledgedBytes >= this.#window / 4) this.#due('ack');
    return 'take';
  }

  /** The ACK has been written. */
  acknowledged(): void {
    this.ackDue = 'no';
    this.#unacknowledgedBytes = 0;
  }

  /** A gap that wasn't told yet is told by whichever acknowledgement comes next. */
  #due(kind: 'ack' | 'gap'): void {
    if (this.ackDue !== 'gap') this.ackDue = kind;
  }
}
