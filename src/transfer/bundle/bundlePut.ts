/** One bundle or compare on its way: sent like a file, PROTOCOL.md §6. */
import type { PutStream, Reply } from '../../protocol/index.ts';
import { abortable } from '../../text/abort.ts';
import type { CopyContext } from '../copyContext.ts';
import { openPut } from '../openPut.ts';

import { TransferError } from '../transferError.ts';
import { waitForCleanup } from '../waitForCleanup.ts';
import type { SealedStream } from './bundle.ts';

interface BundleRequest {
  readonly verb: 'bundle' | 'compare';
  readonly fields: Readonly<Record<string, string>>;
  readonly sealed: SealedStream;
  /** Bytes of files in the stream; what progress counts. */
  readonly fileBytes: number;
}

export class BundlePut {
  readonly #context: CopyContext;
  readonly #request: BundleRequest;
  #told = 0;
  #acknowledged = 0;

  constructor(context: CopyContext, request: BundleRequest) {
    this.#context = context;
    this.#request = request;
  }

  /**
   * @param turn - resolves when those before this one are queued; they need no more than that to be begun first
   * @param onQueued - all of it is queued; the answer is still to come
   * @throws RemoteError, ProtocolError or TransferError; then nothing of it counts as done
   */
  async run(turn?: Promise<void>, onQueued?: () => void): Promise<Reply> {
    const { sender, options, tracker, leftovers } = this.#context;
    const { fields, sealed } = this.#request;
    const { bytes, sha256, piece } = sealed;
    if (turn) await abortable(turn, options.signal);
    const put = await this.#open();
    let committed = false;
    try {
      sender.sendPiece(piece, put, this.#onAcknowledged);
      const result = put.commit(sha256);
      await abortable(put.room(), options.signal);
      onQueued?.();
      const reply = await abortable(result, options.signal);
      committed = true;
      if (reply.get('sha256') !== sha256 || reply.get('size') !== String(bytes))
        throw new TransferError('hash-mismatch', 'the guest holds other bytes than were sent');
      tracker.addBytes(this.#request.fileBytes - this.#told);
      return reply;
    } catch (error) {
      tracker.takeBack(this.#told);
      if (!committed && !(await waitForCleanup(put.cancel()))) leftovers.add(fields.path ?? '');
      throw error;
    }
  }

  #open(): Promise<PutStream> {
    const { session, streams, options } = this.#context;
    const { verb, fields, sealed } = this.#request;
    const all = { ...fields, size: sealed.bytes, encoding: streams.encoding };
    return openPut(session, options.signal, false, all, verb);
  }

  readonly #onAcknowledged = (bytes: number): void => {
    const { sealed, fileBytes } = this.#request;
    this.#acknowledged += bytes;
    // Progress counts bytes of files alone, and where in the stream they lie is not looked up: an even share.
    const done = Math.floor((fileBytes * this.#acknowledged) / sealed.bytes);
    this.#context.tracker.addBytes(done - this.#told);
    this.#told = done;
  };
}
