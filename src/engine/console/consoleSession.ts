import type { Duplex } from 'node:stream';
import type { Conversation } from '../../install/console/conversation.ts';
import { type Message, message } from '../messages/message.ts';
import { Emitter } from '../support/emitter.ts';
import { ConsoleStream } from './consoleStream.ts';
import { GuestOutput } from './guestOutput.ts';

export interface Dimensions {
  readonly columns: number;
  readonly rows: number;
}

/** Where a session gets its console from, and what there is to say about it. */
export interface ConsoleSource {
  /** "serial0 of debian12" */
  readonly name: Message;
  open(options: { readonly takeOver: boolean; readonly signal: AbortSignal }): Promise<Duplex>;
  isBusy(error: unknown): boolean;
  /** Asks a person whether whoever holds the console may be cut off. */
  confirmTakeOver(): Promise<boolean>;
  /** Why a console didn't open. */
  whyClosed(error: unknown): Promise<Message>;
  /** Why an open console ended. */
  whyEnded(error: unknown): Promise<Message>;
}

export type ConsoleState = 'connecting' | 'open' | 'ended';

const CTRL_C = '\x03';
const BELL = '\x07';
/** Enough for a prompt. */
const TAIL_LENGTH = 256;
const DEFAULT_SIZE: Dimensions = { rows: 24, columns: 80 };

/**
 * Ends what a guest may have left behind in the terminal: the alternate screen (1047, because 1049 also moves the cursor),
 * attributes and margins (DECSTR), mouse reports, bracketed paste, a hidden cursor.
 */
const RESTORE = '\x1b[?1047l\x1b[!p\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?25h\x1b[0m';

/** One console in one terminal, over as many connections as it takes. */
export class ConsoleSession {
  readonly output = new Emitter<string>();
  readonly states = new Emitter<ConsoleState>();
  readonly #source: ConsoleSource;
  readonly #render: (message: Message) => string;
  readonly #guestText = new Emitter<string>();
  #state: ConsoleState = 'ended';
  #stream: ConsoleStream | undefined;
  #opening: AbortController | undefined;
  #conversation: AbortController | undefined;
  #filter = new GuestOutput();
  #tail = '';
  #dimensions: Dimensions | undefined;
  #atLineStart = true;
  #disposed = false;

  /** @param renderMessage - into words that are safe on a terminal */
  constructor(source: ConsoleSource, renderMessage: (message: Message) => string) {
    this.#source = source;
    this.#render = renderMessage;
  }

  get state(): ConsoleState {
    return this.#state;
  }

  /** The last line the guest has written, up to the cursor: a prompt, if it waits for one. */
  get lastLine(): string {
    return this.#tail.slice(this.#tail.lastIndexOf('\n') + 1);
  }

  async connect(dimensions?: Dimensions): Promise<void> {
    this.#dimensions = dimensions ?? this.#dimensions;
    if (this.#disposed || this.#state !== 'ended') return;
    this.#setState('connecting');
    this.#say(message('console.connecting', this.#source.name));
    const opening = new AbortController();
    this.#opening = opening;
    try {
      const stream = await this.#open(opening.signal);
      if (opening.signal.aborted) stream.destroy();
      else this.#opened(stream);
    } catch (error) {
      if (!opening.signal.aborted) this.#ended(await this.#source.whyClosed(error));
    }
  }

  /** A serial line can't pass it on: the size is for the hint of the next connection. */
  resize(dimensions: Dimensions): void {
    this.#dimensions = dimensions;
  }

  /** What sets the guest's idea of the window's size, typed into a shell. The blank keeps it out of some histories. */
  get sizeCommand(): string {
    const { rows, columns } = this.#dimensions ?? DEFAULT_SIZE;
    return ` stty rows ${rows} cols ${columns}\r`;
  }

  /** Keys and pastes of the person, as the terminal gives them. */
  input(text: string): void {
    if (this.#conversation) {
      if (text === CTRL_C) this.#conversation.abort();
      // What begins with an escape may be the terminal's own answer to the guest.
      else if (!text.startsWith('\x1b')) this.output.fire(BELL);
    } else if (this.#state === 'ended') {
      if (text === '\r') void this.connect();
    } else this.#send(text);
  }

  /** @returns undefined where the console isn't open, or is in use by another conversation. */
  converse(): Conversation | undefined {
    const stream = this.#stream;
    if (!stream || this.#conversation) return undefined;
    const controller = new AbortController();
    this.#conversation = controller;
    return {
      signal: controller.signal,
      send: text => void stream.send(text),
      listen: listener => this.#guestText.on(listener),
      release: () => {
        if (this.#conversation === controller) this.#conversation = undefined;
      },
    };
  }

  dispose(): void {
    this.#disposed = true;
    this.#opening?.abort();
    this.#conversation?.abort();
    this.#stream?.dispose();
    this.#stream = undefined;
  }

  /** Only a busy console is asked about; what else is wrong, force wouldn't mend. */
  async #open(signal: AbortSignal): Promise<Duplex> {
    try {
      return await this.#source.open({ takeOver: false, signal });
    } catch (error) {
      if (signal.aborted || !this.#source.isBusy(error)) throw error;
      if (!(await this.#source.confirmTakeOver()) || signal.aborted) throw error;
      return this.#source.open({ takeOver: true, signal });
    }
  }

  #opened(stream: Duplex): void {
    this.#tail = '';
    this.#filter = new GuestOutput();
    this.#stream = new ConsoleStream(stream, {
      onText: text => this.#onText(text),
      onEnd: error => void this.#onEnd(error),
    });
    this.#setState('open');
    this.#say(message('console.connected', this.#source.name));
    this.#say(sizeHint(this.#dimensions));
  }

  #onText(text: string): void {
    this.#tail = (this.#tail + text).slice(-TAIL_LENGTH);
    this.#atLineStart = text.endsWith('\n');
    const shown = this.#filter.push(text);
    if (shown !== '') this.output.fire(shown);
    this.#guestText.fire(text);
  }

  async #onEnd(error: unknown): Promise<void> {
    this.#stream = undefined;
    this.#conversation?.abort();
    this.output.fire(RESTORE);
    this.#ended(await this.#source.whyEnded(error));
  }

  #ended(why: Message): void {
    if (this.#disposed) return;
    this.#setState('ended');
    this.#say(message('console.again', why));
  }

  #send(text: string): void {
    const stream = this.#stream;
    if (!stream) {
      this.output.fire(BELL);
      return;
    }
    // As a terminal's own driver does: an interrupt is not to wait behind a paste that nobody wants any more.
    const dropped = text === CTRL_C ? stream.dropPending() : 0;
    if (dropped > 0) this.#say(message('console.dropped', dropped));
    if (!stream.send(text)) {
      this.#say(message('console.not-reading', text.length));
    }
  }

  #setState(state: ConsoleState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.states.fire(state);
  }

  /** In a colour of its own, on lines of its own. */
  #say(what: Message): void {
    const start = this.#atLineStart ? '' : '\r\n';
    this.output.fire(`${start}\x1b[36m[${this.#render(what)}]\x1b[0m\r\n`);
    this.#atLineStart = true;
  }
}

/** A serial line carries no window size, so nothing here could follow the terminal's. */
function sizeHint(dimensions: Dimensions | undefined): Message {
  const { rows, columns } = dimensions ?? DEFAULT_SIZE;
  return message('console.size', rows, columns);
}
