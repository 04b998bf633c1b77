import type { Duplex } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

export interface ConsoleStreamEvents {
  onText(text: string): void;
  /** Once, after the last text; with an error unless the device simply ended. */
  onEnd(error?: unknown): void;
}

/** About one frame of a screen: a terminal draws no oftener. */
const BATCH_MS = 16;
/**
 * VS Code takes a pseudo-terminal's text without ever saying that it is too much, and drops some at 50 MB. So no more than
 * 2 MB/s are read, some ten times a serial port's rate; the rest waits in the guest, which is paused and loses nothing.
 */
const BATCH_BYTES = 32 * 1024;
/** What is in one write can't be taken back when Ctrl-C drops a paste. */
const CHUNK_BYTES = 4096;
/** More waiting input than this is no paste any more. */
const MAX_PENDING_BYTES = 8 * 1024 * 1024;

/** A console's bytes as text, both ways, with bounded memory and without ever holding up whoever sends. */
export class ConsoleStream {
  readonly #stream: Duplex;
  readonly #events: ConsoleStreamEvents;
  readonly #decoder = new StringDecoder('utf8');
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #writing = false;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(stream: Duplex, events: ConsoleStreamEvents) {
    this.#stream = stream;
    this.#events = events;
    stream.on('readable', () => this.#onReadable());
    stream.on('end', () => this.#end());
    stream.on('error', error => this.#end(error));
    stream.on('close', () => this.#end());
  }

  /** Input that the device has not been given yet. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** @returns false if nothing of it was taken, because too much is waiting. */
  send(text: string): boolean {
    const bytes = Buffer.from(text, 'utf8');
    if (this.#ended || this.#pendingBytes + bytes.length > MAX_PENDING_BYTES) return false;
    for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
      this.#pending.push(bytes.subarray(start, start + CHUNK_BYTES));
    }
    this.#pendingBytes += bytes.length;
    this.#write();
    return true;
  }

  /** @returns how many bytes of waiting input will not be sent. */
  dropPending(): number {
    const dropped = this.#pendingBytes;
    this.#pending = [];
    this.#pendingBytes = 0;
    return dropped;
  }

  dispose(): void {
    this.#ended = true;
    this.#release();
    this.#stream.destroy();
  }

  #onReadable(): void {
    if (this.#timer === undefined) this.#read();
  }

  #read(): void {
    this.#timer = undefined;
    const bytes = this.#ended ? null : this.#take();
    if (bytes === null) return;
    this.#timer = setTimeout(() => this.#read(), BATCH_MS);
    const text = this.#decoder.write(bytes);
    if (text !== '') this.#events.onText(text);
  }

  #take(): Buffer | null {
    const length = Math.min(this.#stream.readableLength, BATCH_BYTES);
    // Reading nothing asks the stream to go on, and lets it notice its end.
    return this.#stream.read(length === 0 ? undefined : length);
  }

  /** One chunk at a time; the next when the stream has passed this one on. */
  #write(): void {
    if (this.#writing || this.#ended) return;
    const chunk = this.#pending.shift();
    if (chunk === undefined) return;
    this.#pendingBytes -= chunk.length;
    this.#writing = true;
    this.#stream.write(chunk, error => {
      this.#writing = false;
      if (!error) this.#write();
    });
  }

  #end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#release();
    const rest = this.#decoder.end();
    if (rest !== '') this.#events.onText(rest);
    this.#events.onEnd(error);
    if (!this.#stream.destroyed) this.#stream.destroy();
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.dropPending();
  }
}
