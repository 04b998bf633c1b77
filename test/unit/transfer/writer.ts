// Writes to files in a thread of its own while they are copied, and remembers every version that each of them had: after
// each write call there is one.
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { type Random, randomBelow, seededRandom } from '../../support/random.ts';

export interface WriterPlan {
  readonly seed: number;
  /** Are there already. */
  readonly files: readonly string[];
  readonly steps: number;
  /** The longest between two steps. */
  readonly pauseMs: number;
}

export type Versions = ReadonlyMap<string, readonly Uint8Array[]>;

/** A thread that's ready to write. */
export class WriterThread {
  readonly #worker = new Worker(new URL(import.meta.url));

  /** Begins at once. @returns what each file was, first and last included, when all steps are done */
  async write(plan: WriterPlan): Promise<Versions> {
    const answered = once(this.#worker, 'message');
    this.#worker.postMessage(plan);
    const [versions] = (await answered) as [Versions];
    return versions;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** So much at most goes in one call. */
const MAX_WRITE_BYTES = 32 * 1_024;

class Writer {
  readonly #file: string;
  readonly #random: Random;
  readonly versions: Buffer[];
  #count = 0;

  constructor(file: string, random: Random) {
    this.#file = file;
    this.#random = random;
    this.versions = [fs.readFileSync(file)];
  }

  step(): void {
    const steps = [this.#append, this.#append, this.#overwrite, this.#overwrite, this.#truncate];
    const all = [...steps, this.#replace, this.#moveAway, this.#deleteAndCreate];
    all[randomBelow(this.#random, all.length)]?.call(this);
  }

  get #content(): Buffer {
    return this.versions.at(-1) as Buffer;
  }

  /** Where no copy looks. */
  get #aside(): string {
    return path.join(path.dirname(this.#file), `../aside-${path.basename(this.#file)}`);
  }

  #append(): void {
    this.#writeAll(this.#content.length, 1 + randomBelow(this.#random, 5_000));
  }

  /** All of it, in some calls, or a piece. */
  #overwrite(): void {
    const { length } = this.#content;
    const from = randomBelow(this.#random, 2) * randomBelow(this.#random, length + 1);
    this.#writeAll(from, length - from);
  }

  #truncate(): void {
    const bytes = randomBelow(this.#random, this.#content.length + 1);
    fs.truncateSync(this.#file, bytes);
    this.versions.push(this.#content.subarray(0, bytes));
  }

  /** As programs do that save safely. */
  #replace(): void {
    const content = this.#bytes(1 + randomBelow(this.#random, 200_000));
    fs.writeFileSync(this.#aside, content);
    fs.renameSync(this.#aside, this.#file);
    this.versions.push(content);
  }

  #moveAway(): void {
    fs.renameSync(this.#file, this.#aside);
    this.#pause(2);
    fs.renameSync(this.#aside, this.#file);
  }

  #deleteAndCreate(): void {
    fs.unlinkSync(this.#file);
    fs.writeFileSync(this.#file, '');
    this.versions.push(Buffer.alloc(0));
    this.#writeAll(0, 1 + randomBelow(this.#random, 150_000));
  }

  #writeAll(from: number, bytes: number): void {
    const descriptor = fs.openSync(this.#file, 'r+');
    for (let at = from; at < from + bytes; at += MAX_WRITE_BYTES) {
      const piece = this.#bytes(Math.min(MAX_WRITE_BYTES, from + bytes - at));
      fs.writeSync(descriptor, piece, 0, piece.length, at);
      const content = this.#content;
      this.versions.push(
        Buffer.concat([content.subarray(0, at), piece, content.subarray(at + piece.length)]),
      );
      this.#pause(1);
    }
    fs.closeSync(descriptor);
  }

  /** Different each time. */
  #bytes(length: number): Buffer {
    this.#count += 1;
    return Buffer.alloc(length, `${this.#file} ${this.#count}\n`);
  }

  #pause(mostMs: number): void {
    sleep(this.#random() * mostMs);
  }
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function write({ seed, files, steps, pauseMs }: WriterPlan): Versions {
  const random = seededRandom(seed);
  const writers = files.map(file => [file, new Writer(file, random)] as const);
  for (let step = 0; step < steps; step += 1) {
    sleep(random() * pauseMs);
    writers[randomBelow(random, writers.length)]?.[1].step();
  }
  return new Map(writers.map(([file, { versions }]) => [file, versions]));
}

if (!isMainThread) parentPort?.on('message', (plan: WriterPlan) => parentPort?.postMessage(write(plan)));
