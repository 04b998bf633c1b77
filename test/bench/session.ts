/** What the cases of one run share: the daemon, the main guest, the files. Everything is made when first asked for. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { makeRunDirectory, removeRunDirectory } from '../support/runDirectory.ts';
import { type BenchGuest, type BenchGuestOptions, bootBenchGuest } from './guest/benchGuest.ts';
import type { Scale } from './scale.ts';
import { sourceText } from './sourceText.ts';

/** Beside the room for the largest file; a tmpfs may take nine tenths of a guest's memory. */
const SYSTEM_MB = 500;
const TMPFS_PART = 0.85;

export class Session {
  readonly uri: string;
  readonly scale: Scale;
  /** Of the files to be copied; goes with the session. */
  readonly directory = makeRunDirectory();
  readonly #guests: BenchGuest[] = [];
  #main: BenchGuest | undefined;

  constructor(uri: string, scale: Scale) {
    this.uri = uri;
    this.scale = scale;
  }

  /** The guest nearly all cases run on. */
  async mainGuest(): Promise<BenchGuest> {
    const largest = Math.max(this.scale.channelBytes, ...this.scale.sizes);
    this.#main ??= await this.boot({ memoryMb: SYSTEM_MB + Math.ceil(largest / TMPFS_PART / 2 ** 20) });
    return this.#main;
  }

  /** A further guest; the session ends it unless `release` does. */
  async boot(options: BenchGuestOptions): Promise<BenchGuest> {
    const guest = await bootBenchGuest(this.uri, options);
    this.#guests.push(guest);
    return guest;
  }

  async release(guest: BenchGuest): Promise<void> {
    this.#guests.splice(this.#guests.indexOf(guest), 1);
    await guest.guest.destroy();
  }

  /** A file no compressor makes smaller. */
  randomFile(bytes: number): string {
    return this.#file(`random-${bytes}`, file => writeRandom(file, bytes));
  }

  /** Source text, file after file, cut to the size. */
  textFile(bytes: number): string {
    return this.#file(`text-${bytes}`, file => fs.writeFileSync(file, sourceText(bytes)));
  }

  /** What a compressor has already been at: this Node's program, gzipped; shorter than asked for if that is. */
  archiveFile(bytes: number): string {
    return this.#file(`archive-${bytes}`, file => {
      const level = zlib.constants.Z_BEST_SPEED;
      fs.writeFileSync(file, zlib.gzipSync(fs.readFileSync(process.execPath), { level }).subarray(0, bytes));
    });
  }

  async close(): Promise<void> {
    for (const guest of this.#guests) await guest.guest.destroy();
    await removeRunDirectory(this.directory);
  }

  #file(name: string, write: (file: string) => void): string {
    const file = path.join(this.directory, name);
    if (!fs.existsSync(file)) write(file);
    return file;
  }
}

export function writeRandom(file: string, bytes: number): void {
  const target = fs.openSync(file, 'w');
  const block = 16_000_000;
  for (let left = bytes; left > 0; left -= block)
    fs.writeSync(target, crypto.randomBytes(Math.min(left, block)));
  fs.closeSync(target);
}
