/**
 * Finds out who is at the other end of a line before a HELLO goes there, PROTOCOL.md §3 "Knocking": a shell or a login
 * would take HELLO's lines for commands. No I/O and no clock of its own, like SessionCore.
 *
 * | phase | for | becomes |
 * |---|---|---|
 * | listening | 100 ms, or until a frame is heard | standing; over, where a prompt was heard |
 * | standing: a knock is on the line | 300 ms, then it's erased | erased; leaving, by its echo |
 * | erased | until 800 ms after the knock | standing; leaving, by its echo; over, where a prompt was heard |
 * | leaving: its echo was heard, and it's erased | 100 ms, or until a prompt is heard | over |
 *
 * Our HERE leads from standing and erased to over, `here`. Whoever ends it before calls `leave`.
 */
import { crc32 } from 'node:zlib';
import type { Occupant } from '../text/prompts.ts';
import { promptOf } from '../text/prompts.ts';
import { ShownLine } from '../text/shownLine.ts';
import {
  ERASE_MS,
  FrameType,
  HOST_FRAME_LIMIT,
  KNOCK_INTERVAL_MS,
  KNOCK_MARK,
  LISTEN_MS,
  RESYNC_MS,
} from './constants.ts';
import { type Frame, FrameParser } from './frame.ts';

/** `here`: a receiver. */
export type KnockOutcome = 'here' | Occupant;

/** Ctrl+U: terminals, shells and logins forget the line typed so far. */
const ERASE = Buffer.from([0x15]);
/** A u32, and its CRC-32 like it, with leading zeros. */
const NUMBER_DIGITS = 10;
/** What an echo is told by: an editor that wraps its line writes a digit in the middle twice. */
const ECHO_DIGITS = 12;

/** The 24 digits: nothing that a shell executes or redirects, and no line end. */
export function encodeKnock(nonce: number): string {
  const decimal = (value: number) => value.toString().padStart(NUMBER_DIGITS, '0');
  const body = KNOCK_MARK + decimal(nonce);
  return body + decimal(crc32(body));
}

export class Knock {
  outcome: KnockOutcome | undefined;
  /** Something was sent: the stream must take all of it, and end in order. */
  hasKnocked = false;
  readonly #nonce: number;
  readonly #digits: string;
  readonly #parser = new FrameParser(HOST_FRAME_LIMIT);
  readonly #line = new ShownLine();
  #phase: 'listening' | 'standing' | 'erased' | 'leaving' = 'listening';
  #phaseEndsAt: number;
  #knockedAt = 0;
  #lastByteAt: number;
  /** A receiver is or was there: what looks like a prompt is rather the end of a frame. */
  #hasHeardFrame = false;
  /** The digits that came last, with nothing between them that leaves ink. */
  #heardDigits = '';
  #output: Buffer[] = [];

  constructor(nonce: number, now: number) {
    this.#nonce = nonce;
    this.#digits = encodeKnock(nonce);
    this.#lastByteAt = now;
    this.#phaseEndsAt = now + LISTEN_MS;
  }

  /** When `tick` is wanted next. */
  get nextDeadline(): number {
    if (this.outcome) return Number.POSITIVE_INFINITY;
    const resync = this.#parser.incomplete ? this.#lastByteAt + RESYNC_MS : Number.POSITIVE_INFINITY;
    return Math.min(resync, this.#phaseEndsAt);
  }

  takeOutput(): Buffer[] | undefined {
    const next = this.#output.shift();
    return next && [next];
  }

  receive(chunk: Buffer, now: number): void {
    this.#lastByteAt = now;
    // The echo first: who echoes and answers is a terminal, or wants to be taken for a receiver.
    for (const byte of chunk) if (this.#line.push(byte)) this.#onShown(byte, now);
    this.#parser.push(chunk, this.#onFrame);
    if (this.#phase === 'leaving' && this.#prompt) this.#end(this.#prompt);
    this.tick(now);
  }

  /** Does what is due at `now`. */
  tick(now: number): void {
    if (this.#parser.incomplete && now - this.#lastByteAt >= RESYNC_MS) {
      this.#lastByteAt = now;
      this.#parser.idle(this.#onFrame);
    }
    if (this.outcome || now < this.#phaseEndsAt) return;
    if (this.#phase === 'leaving') this.#end(this.#prompt ?? 'terminal');
    else if (this.#phase === 'standing') this.#erase();
    else if (this.#prompt) this.#end(this.#prompt);
    else this.#knock(now);
  }

  /** Takes back what was typed, if that hasn't been done. */
  leave(): void {
    if (this.#phase === 'standing') this.#erase();
  }

  #knock(now: number): void {
    this.#phase = 'standing';
    this.#knockedAt = now;
    this.#phaseEndsAt = now + ERASE_MS;
    this.hasKnocked = true;
    this.#output.push(Buffer.from(this.#digits));
  }

  #erase(): void {
    this.#phase = 'erased';
    this.#phaseEndsAt = this.#knockedAt + KNOCK_INTERVAL_MS;
    this.#output.push(ERASE);
  }

  #end(outcome: KnockOutcome): void {
    this.outcome ??= outcome;
  }

  get #prompt(): 'login' | 'shell' | undefined {
    return this.#hasHeardFrame ? undefined : promptOf(this.#line.text);
  }

  readonly #onFrame = ({ type, session }: Frame): void => {
    this.#hasHeardFrame = true;
    if (this.#phase === 'listening') this.#phaseEndsAt = this.#lastByteAt;
    else if (this.#phase !== 'leaving' && type === FrameType.HERE && session === this.#nonce)
      this.#end('here');
  };

  /** The echo of our knock can only be some terminal's. */
  #onShown(byte: number, now: number): void {
    if (byte < 0x30 || byte > 0x39) {
      this.#heardDigits = '';
      return;
    }
    if (!this.hasKnocked || this.outcome || this.#phase === 'leaving') return;
    this.#heardDigits = (this.#heardDigits + String.fromCharCode(byte)).slice(-ECHO_DIGITS);
    const isEcho =
      this.#heardDigits === this.#digits.slice(0, ECHO_DIGITS) ||
      this.#heardDigits === this.#digits.slice(-ECHO_DIGITS);
    if (isEcho) this.#onEcho(now);
  }

  /** Many shells draw their prompt again when the line is erased, so it pays to listen for a moment. */
  #onEcho(now: number): void {
    this.leave();
    this.#phase = 'leaving';
    this.#phaseEndsAt = now + LISTEN_MS;
    const before = promptOf(this.#line.text.replace(/[\d\s]*$/, ' '));
    if (before) this.#end(before);
  }
}
