/**
 * The calls that wait for their answers, by serial. A daemon answers in any order, because it runs calls side by side.
 *
 * | a call is | in `#calls` as | an answer | becomes |
 * |---|---|---|---|
 * | waiting | itself | settles it | over |
 * | given up, by signal or time-out | undefined | is dropped | over |
 * | over, or was never made | absent | breaks the connection: whose would it be? | |
 *
 * A call that's given up isn't taken back: RPC has no way to say so, and the daemon does what it was asked to.
 */
import { STATUS_ERROR } from './constants.ts';
import { readError } from './domainCodec.ts';
import { abortError, LibvirtError, protocolError, silenceError } from './errors.ts';
import type { PacketHeader } from './packet.ts';
import { XdrReader } from './xdr.ts';

/** What identifies a call, and the stream it opens. */
export interface Ticket {
  readonly procedure: number;
  readonly serial: number;
}

export interface RpcCallOptions {
  readonly signal?: AbortSignal | undefined;
  /** None by default: the keepalive notices a daemon that is gone, and some calls rightly take long. */
  readonly timeoutMs?: number | undefined;
}

/** Runs while the reply is being taken in, so that whatever it registers misses nothing that follows. */
export type Decode<T> = (reader: XdrReader, ticket: Ticket) => T;

interface PendingCall {
  readonly procedure: number;
  readonly take: (reader: XdrReader) => void;
  readonly reject: (error: unknown) => void;
}

export class PendingCalls {
  /** A call given up on keeps its place with `undefined`, so that its late answer isn't taken for a stray. */
  readonly #calls = new Map<number, PendingCall | undefined>();
  #lastSerial = 0;

  /** `send` is called at once, with the ticket to send the call under. */
  async add<T>(
    procedure: number,
    decode: Decode<T>,
    { signal, timeoutMs }: RpcCallOptions,
    send: (ticket: Ticket) => void,
  ): Promise<T> {
    // From 1 on, so that 0 is never a call's.
    this.#lastSerial = (this.#lastSerial % 0x7fffffff) + 1;
    const ticket = { procedure, serial: this.#lastSerial };
    const { promise, resolve, reject } = settler<T>();
    const take = (reader: XdrReader) => {
      const result = decode(reader, ticket);
      reader.end();
      resolve(result);
    };
    this.#calls.set(ticket.serial, { procedure, take, reject });
    const onAbort = () => this.#giveUp(ticket.serial, abortError());
    signal?.addEventListener('abort', onAbort, { once: true });
    const timer = timeoutMs && setTimeout(() => this.#giveUp(ticket.serial, silenceError()), timeoutMs);
    send(ticket);
    try {
      return await promise;
    } catch (error) {
      // Made while parsing; whoever reads the stack wants to know which call it was.
      if (error instanceof LibvirtError) Error.captureStackTrace(error);
      throw error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      if (timer) clearTimeout(timer);
    }
  }

  /** @throws LibvirtError with code `protocol`, after which the connection can't be trusted any more. */
  settle(header: PacketHeader, payload: Buffer): void {
    const call = this.#calls.get(header.serial);
    if (!this.#calls.delete(header.serial)) throw protocolError('an answer that nobody asked for');
    if (call === undefined) return;
    try {
      if (call.procedure !== header.procedure) {
        throw protocolError(`an answer to procedure ${header.procedure} instead of ${call.procedure}`);
      }
      const reader = new XdrReader(payload);
      if (header.status === STATUS_ERROR) call.reject(readWholeError(reader));
      else call.take(reader);
    } catch (error) {
      call.reject(error);
      throw error;
    }
  }

  /** Whether a packet with this serial may belong to a call made earlier. */
  wasIssued(serial: number): boolean {
    return serial > 0 && serial <= this.#lastSerial;
  }

  rejectAll(error: LibvirtError): void {
    for (const call of this.#calls.values()) call?.reject(error);
    this.#calls.clear();
  }

  #giveUp(serial: number, error: Error): void {
    const call = this.#calls.get(serial);
    if (call === undefined) return;
    this.#calls.set(serial, undefined);
    call.reject(error);
  }
}

/** A payload that is an error and nothing else. */
export function readWholeError(reader: XdrReader): LibvirtError {
  const error = readError(reader);
  reader.end();
  return error;
}

/** What Promise.withResolvers gives; Node 20 doesn't have that. */
function settler<T>() {
  let resolve: (result: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((onResult, onError) => {
    resolve = onResult;
    reject = onError;
  });
  return { promise, resolve, reject };
}
