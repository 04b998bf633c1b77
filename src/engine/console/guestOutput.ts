/**
 * What a guest writes to its console, without what it has no business with in VS Code's terminal: command marks of shell
 * integration (OSC 133, 633, 1337), the clipboard (52), notifications (9, 777), the current folder (7), the tab's title
 * (0–2), by which it could pass for a terminal of this computer, and links to anything but web pages (8). Of the control
 * strings only the OSCs listed below go on; DCS, SOS, PM and APC (images, queries that nobody on a serial line relies on)
 * don't. All else, CSI sequences and so colours included, is left as it is.
 *
 * The states are xterm.js's (src/common/parser/EscapeSequenceParser.ts): where it and this filter disagreed, a guest could
 * hide a sequence from one of them.
 */

const ESC = '\x1b';
/** C1's ST, which ends a control string in one character. */
const ST = '\x9c';
/** Colours: of the palette, of text, background and cursor, and their resets. */
const KEPT = new Set([4, 10, 11, 12, 104, 110, 111, 112]);
const LINK = 8;
/** Of an OSC that is kept; a URL may have 2083 characters in other terminals. */
const MAX_LENGTH = 4096;

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: control characters are what this is about
/** ESC, and what begins a control string in one character: DCS, SOS, OSC, PM, APC. */
const START = /[\x1b\x90\x98\x9d-\x9f]/g;
/** BEL, CAN, SUB, ESC, any C1. */
const OSC_END = /[\x07\x18\x1a\x1b\x80-\x9f]/g;
const STRING_END = /[\x18\x1a\x1b\x80-\x9f]/g;
/** Within an OSC a terminal ignores them. */
const IGNORED = /[\x00-\x1f]/g;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: see above

/** `ended`: an ESC ended a control string, and a backslash would belong to it. `string`: one of which nothing is kept. */
type State = 'text' | 'escape' | 'osc' | 'string' | 'ended';

/** Takes text in any pieces, and keeps no more of it than one OSC. */
export class GuestOutput {
  #state: State = 'text';
  /** Undefined when the OSC has become too long to be kept. */
  #osc: string | undefined = '';
  #input = '';
  #at = 0;

  /** @returns what of it may go to the terminal now */
  push(text: string): string {
    this.#input = text;
    this.#at = 0;
    let output = '';
    while (this.#at < text.length) output += this.#step();
    this.#input = '';
    return output;
  }

  #step(): string {
    switch (this.#state) {
      case 'text':
        return this.#text();
      case 'escape':
        return this.#escape();
      case 'osc':
        return this.#inOsc();
      case 'string':
        this.#until(STRING_END, () => undefined);
        return '';
      case 'ended':
        this.#state = 'escape';
        if (this.#input[this.#at] !== '\\') return '';
        this.#state = 'text';
        this.#at += 1;
        return '';
    }
  }

  #text(): string {
    const [passed, start] = this.#take(START);
    if (start === ESC) this.#state = 'escape';
    else if (start === '\x9d') this.#beginOsc();
    else if (start !== undefined) this.#state = 'string';
    return passed;
  }

  /** The ESC has been held back until now. */
  #escape(): string {
    const next = this.#input.charAt(this.#at);
    this.#at += 1;
    if (next === ']') this.#beginOsc();
    else if ('PX^_'.includes(next)) this.#state = 'string';
    else if (next === '\x18' || next === '\x1a') this.#state = 'text';
    // A terminal carries other controls out at once, and still waits.
    else if (next < ' ') return next === ESC ? '' : next;
    else if (next >= '\x80' && next <= '\x9f') {
      this.#state = 'text';
      this.#at -= 1;
    } else if (next !== '\x7f') {
      this.#state = 'text';
      return ESC + next;
    }
    return '';
  }

  #beginOsc(): void {
    this.#state = 'osc';
    this.#osc = '';
  }

  #inOsc(): string {
    const end = this.#until(OSC_END, passed => {
      const osc = (this.#osc ?? '') + passed.replace(IGNORED, '');
      if (this.#osc !== undefined) this.#osc = osc.length > MAX_LENGTH ? undefined : osc;
    });
    if (end !== '\x07' && end !== ESC && end !== ST) return '';
    return this.#osc !== undefined && isKept(this.#osc)
      ? `${ESC}]${this.#osc}${end === ESC ? '\x1b\\' : end}`
      : '';
  }

  /** Goes on in a control string. @returns what ended it, if anything did */
  #until(ends: RegExp, onPassed: (passed: string) => void): string | undefined {
    const [passed, end] = this.#take(ends);
    onPassed(passed);
    if (end === undefined) return undefined;
    this.#state = end === ESC ? 'ended' : 'text';
    // Another C1 breaks it off and begins something itself.
    if (end >= '\x80' && end !== ST) this.#at -= 1;
    return end;
  }

  /** Up to the first of these characters, which is taken as well. */
  #take(stops: RegExp): [passed: string, stop: string | undefined] {
    stops.lastIndex = this.#at;
    const found = stops.exec(this.#input);
    const passed = this.#input.slice(this.#at, found?.index);
    this.#at = found ? found.index + 1 : this.#input.length;
    return [passed, found?.[0]];
  }
}

function isKept(osc: string): boolean {
  const [, number, rest = ''] = /^(\d{1,4})(?:;(.*))?$/s.exec(osc) ?? [];
  if (number === undefined) return false;
  if (Number(number) !== LINK) return KEPT.has(Number(number));
  const url = rest.slice(rest.indexOf(';') + 1);
  return rest.includes(';') && (url === '' || /^https?:\/\//i.test(url));
}
