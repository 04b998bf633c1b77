/** A fake of a receiver with several ports: what comes as LANE by any of them is acted on by the first, in order. */
import { LANE_HEAD_BYTES } from '../../../src/protocol/constants.ts';
import { type Frame, frameBytes } from '../../../src/protocol/frame.ts';
import { FakeReceiver, type FakeReceiverOptions } from './fakeReceiver.ts';

export class FakeLanes {
  readonly ports: FakeReceiver[];
  /** LANE frames that came by each port, and how many numbers came twice. */
  readonly came: number[];
  repeated = 0;
  /** A frame was acted on, and other ports may have something to say. */
  onActed: () => void = () => undefined;
  readonly #waiting = new Map<number, { port: FakeReceiver; frame: Frame; bytes: number }>();
  #next = 0;

  constructor(count: number, options: FakeReceiverOptions = {}) {
    this.came = Array.from({ length: count }, () => 0);
    this.ports = this.came.map(
      (_, index) =>
        new FakeReceiver({
          ...options,
          capabilities: ['lanes', ...(options.capabilities ?? [])],
          onLane: frame => this.#take(index, frame),
        }),
    );
  }

  get main(): FakeReceiver {
    return this.#port(0);
  }

  #port(index: number): FakeReceiver {
    const port = this.ports[index];
    if (!port) throw new Error(`the fake has no port ${index}`);
    return port;
  }

  #take(index: number, frame: Frame): void {
    const port = this.#port(index);
    this.came[index] = (this.came[index] ?? 0) + 1;
    const number = frame.payload.readUInt32BE();
    if (number < this.#next || this.#waiting.has(number)) {
      this.repeated += 1;
      return;
    }
    const type = frame.payload.readUInt8(4);
    const payload = Buffer.from(frame.payload.subarray(LANE_HEAD_BYTES));
    const bytes = frameBytes(frame.payload.length);
    port.held += bytes;
    this.#waiting.set(number, { port, frame: { ...frame, type, payload }, bytes });
    for (let due = this.#waiting.get(this.#next); due; due = this.#waiting.get(this.#next)) {
      this.#waiting.delete(this.#next++);
      due.port.giveBack(due.bytes);
      this.main.act(due.frame);
      this.onActed();
    }
  }
}
