/**
 * The line that a terminal is at, without escape sequences, out of bytes that come in any pieces. A guest may send
 * what it likes for as long as it likes: only the end of the line is kept, and no sequence.
 *
 * | within | ends with |
 * |---|---|
 * | text | ESC |
 * | an escape, `ESC x` | its second byte; `[` begins a control sequence, `]`, `P`, `X`, `^` and `_` a string |
 * | a character set, `ESC ( B` | a byte from `0` on |
 * | a control sequence, `ESC [ … m` | a byte from `@` on |
 * | a string, `ESC ] … BEL` | BEL, or the ESC of `ESC \` |
 *
 * A line end ends all of them: what began one may have been noise.
 */
type Within = 'text' | 'escape' | 'set' | 'control' | 'string';

/** Prompts are told by their ends. */
const KEPT_BYTES = 256;
const BEL = 0x07;
const BACKSPACE = 0x08;
const TAB = 0x09;
const LINE_FEED = 0x0a;
const ESCAPE = 0x1b;
const BLANK = 0x20;
const DELETE = 0x7f;
/** Introducers of strings: OSC, DCS, SOS, PM, APC. */
const STRINGS = Buffer.from(']PX^_');

export class ShownLine {
  #within: Within = 'text';
  #bytes: number[] = [];

  /** The line's end, as it's shown. */
  get text(): string {
    return Buffer.from(this.#bytes.slice(-KEPT_BYTES)).toString();
  }

  /** Whether the byte is one that leaves ink. */
  push(byte: number): boolean {
    if (byte === LINE_FEED) {
      this.#within = 'text';
      this.#bytes = [];
      return false;
    }
    if (byte === ESCAPE || this.#within !== 'text') {
      this.#within = after(this.#within, byte);
      return false;
    }
    return this.#show(byte);
  }

  #show(byte: number): boolean {
    if (byte === BACKSPACE) this.#bytes.pop();
    const isControl = (byte < BLANK && byte !== TAB) || byte === DELETE;
    if (isControl) return false;
    this.#bytes.push(byte === TAB ? BLANK : byte);
    if (this.#bytes.length > 2 * KEPT_BYTES) this.#bytes = this.#bytes.slice(-KEPT_BYTES);
    return byte > BLANK;
  }
}

function after(within: Within, byte: number): Within {
  if (byte === ESCAPE) return 'escape';
  switch (within) {
    case 'escape':
      return afterEscape(byte);
    case 'set':
      return byte >= 0x30 ? 'text' : within;
    case 'control':
      return byte >= 0x40 && byte < DELETE ? 'text' : within;
    default:
      return byte === BEL ? 'text' : within;
  }
}

function afterEscape(byte: number): Within {
  if (byte === 0x5b) return 'control';
  if (STRINGS.includes(byte)) return 'string';
  return byte >= BLANK && byte < 0x30 ? 'set' : 'text';
}
