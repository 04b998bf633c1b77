import { stat } from 'node:fs/promises';
import { Duplex } from 'node:stream';
import { LinkError } from './errors.ts';

/** What of serialport's binding is needed: the part below its own stream. */
export interface SerialBinding {
  read(buffer: Buffer, offset: number, length: number): Promise<{ bytesRead: number }>;
  write(buffer: Buffer): Promise<void>;
  drain(): Promise<void>;
  close(): Promise<void>;
}

const READ_BYTES = 16 * 1024;
const PRESENCE_CHECK_MS = 500;

/**
 * A serial port as a Duplex that closes when destroyed. serialport's own stream doesn't: its `destroy()`
 * leaves the port open. And a pty whose other end has gone reads as "0 bytes" for ever, at the full speed of
 * the processor; so the stream looks now and then whether its device is still there.
 *
 * `end()` finishes both directions, as with libvirt's streams.
 */
export class SerialStream extends Duplex {
  readonly #binding: SerialBinding;
  readonly #path: string;
  readonly #presence: NodeJS.Timeout | undefined;
  #reading = false;

  constructor(binding: SerialBinding, path: string) {
    super({ allowHalfOpen: false });
    this.#binding = binding;
    this.#path = path;
    // COM ports are no files; there, reads fail when the device goes.
    if (path.startsWith('/'))
      this.#presence = setInterval(() => void this.#checkPresence(), PRESENCE_CHECK_MS);
  }

  override _read(): void {
    if (this.#reading) return;
    this.#reading = true;
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    this.#binding.read(buffer, 0, buffer.length).then(
      ({ bytesRead }) => {
        this.#reading = false;
        if (!this.destroyed) this.push(Buffer.from(buffer.subarray(0, bytesRead)));
      },
      error => this.#lost(error),
    );
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#binding.write(chunk).then(
      () => done(),
      error => done(this.#lostError(error)),
    );
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'utf8', done);
  }

  override _final(done: (error?: Error | null) => void): void {
    const finish = () => {
      this.push(null);
      done();
    };
    this.#binding.drain().then(finish, finish);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearInterval(this.#presence);
    const finish = () => done(error);
    this.#binding.close().then(finish, finish);
  }

  async #checkPresence(): Promise<void> {
    await stat(this.#path).catch(error => {
      if (error.code === 'ENOENT') this.#lost(error);
    });
  }

  #lost(error: unknown): void {
    if (!this.destroyed) this.destroy(this.#lostError(error));
  }

  #lostError(cause: unknown): LinkError {
    return new LinkError('device-lost', `${this.#path} went away`, {
      device: this.#path,
      cause,
    });
  }
}
