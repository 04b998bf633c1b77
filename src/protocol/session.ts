/** A session with a receiver over a real byte stream: the port it began on, its requests, and further ports. */
import type { Duplex } from 'node:stream';
import type { ProtocolError } from './errors.ts';
import { type LaneOptions, Lanes } from './lanes.ts';
import { type GreetOptions, Pump, type PumpOptions } from './pump.ts';
import type { PutStream } from './putStream.ts';
import type { Reply } from './reply.ts';
import { Requests } from './requests.ts';
import type { SignatureStream } from './signatureStream.ts';
import type { FieldValue } from './text.ts';
import type { Welcome } from './welcome.ts';

export interface SessionOptions extends GreetOptions, PumpOptions {
  /** Further ports of the same receiver for what is large, where the receiver can do that and it is faster. */
  readonly lanes?: LaneOptions | undefined;
}

/**
 * Greets whoever is at the other end of the stream, after a knock unless it's a channel.
 *
 * @throws ProtocolError `no-receiver`, `occupied`, `version` or `closed`, or an AbortError; the stream is then
 * destroyed, or ends in order first where a knock has to be erased.
 */
export async function openSession(stream: Duplex, options: SessionOptions = {}): Promise<Session> {
  const session = new Session(stream, options);
  await session.greet(options);
  return session;
}

/** Made by `openSession`. */
export class Session {
  readonly #main: Pump;
  readonly #lanes: Lanes;
  readonly #requests: Requests;

  constructor(stream: Duplex, options: SessionOptions) {
    this.#main = new Pump(
      stream,
      {
        onChange: () => this.#lanes.advance(),
        onMessage: (id, message) => this.#requests.onMessage(id, message),
        onData: (id, offset, bytes) => this.#requests.onData(id, offset, bytes),
        onEnd: error => {
          this.#lanes.destroy(error);
          this.#requests.onEnd(error);
        },
      },
      options,
    );
    this.#lanes = new Lanes(this.#main, options.lanes, () => this.#requests.onAdvanced());
    this.#requests = new Requests(this.#lanes);
  }

  greet(options: GreetOptions): Promise<void> {
    return this.#main.greet(options);
  }

  get welcome(): Welcome {
    return this.#main.welcome;
  }

  get ended(): ProtocolError | undefined {
    return this.#main.ended;
  }

  /** Bytes that went over the link and its lanes, both directions, with all overhead. */
  get wireBytes(): number {
    return this.#lanes.wireBytes;
  }

  /** Frames that had to be sent again so far. */
  get resentFrames(): number {
    return this.#lanes.resentFrames;
  }

  /** Ports that are used side by side now. */
  get lanes(): number {
    return this.#lanes.inUse;
  }

  /**
   * One request with one answer.
   *
   * @throws RemoteError when the receiver refuses, ProtocolError when the session ends first, RangeError when a path
   * is too long for the protocol.
   */
  request(verb: string, fields: Record<string, FieldValue>): Promise<Reply> {
    return this.#requests.request(verb, fields);
  }

  /**
   * Opens a `put`, or one of the requests that are sent like it; the caller sends data and ends it by `commit` or
   * `cancel`. Errors as in `request`.
   */
  put(fields: Record<string, FieldValue>, verb: 'put' | 'bundle' | 'compare' = 'put'): Promise<PutStream> {
    return this.#requests.put(fields, verb);
  }

  /**
   * Asks for the checksums of a file's blocks. Errors as in `request`, in the stream's `result`.
   *
   * @param onData - gets the signature's bytes, valid only until it returns, and their offset, not yet checked
   */
  signature(
    fields: { path: string; block: number },
    onData: (offset: number, bytes: Buffer) => void,
  ): Promise<SignatureStream> {
    return this.#requests.signature(fields, onData);
  }

  /** Ends the session in good order and closes its streams; never takes much more than a second. */
  async close(): Promise<void> {
    if (this.ended) return;
    await Promise.all([this.#lanes.close(), this.#main.close()]);
  }

  /** Ends the session at once. */
  destroy(error: ProtocolError): void {
    this.#main.destroy(error);
  }
}
