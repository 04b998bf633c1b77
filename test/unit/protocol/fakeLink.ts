/** A Duplex with a FakeReceiver at its other end, for tests of what runs on a real stream and a real clock. */
import { Duplex } from 'node:stream';
import type { FakeReceiver } from './fakeReceiver.ts';

export class FakeLink extends Duplex {
  readonly #receiver: FakeReceiver;

  constructor(receiver: FakeReceiver) {
    super();
    this.#receiver = receiver;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#receiver.receive(chunk);
    this.flush();
    setImmediate(callback);
  }

  /** Passes on what the receiver has to say. */
  flush(): void {
    for (const buffer of this.#receiver.takeOutput()) this.push(buffer);
  }
}
