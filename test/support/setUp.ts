// What a `describe` of real things needs, made in its `before` and undone after it, last first:
//
//   const setUp = new SetUp();
//   const folder = setUp.folder('copy');
//   before(async () => {
//     await setUp.libvirtd();
//     guest = await setUp.guest({ name: 'copy' });
//   });
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { connect, type LibvirtConnection } from 'libvirt';
import { bootGuest, type Guest, type GuestOptions } from './guest.ts';
import { ensureLibvirtd, type Libvirtd, type PrivateLibvirtd, startPrivateLibvirtd } from './libvirtd.ts';
import { makeTestPool, type TestPool } from './storagePool.ts';

export class SetUp {
  readonly #undo: (() => unknown)[] = [];
  #uri = '';

  constructor() {
    after(async () => {
      for (const undo of this.#undo.reverse()) await undo();
    });
  }

  /** Also after a `before` that failed half-way. */
  atEnd(undo: () => unknown): void {
    this.#undo.push(undo);
  }

  folder(name: string): string {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), `guestwire-${name}-`));
    this.atEnd(() => fs.rmSync(folder, { recursive: true, force: true }));
    return folder;
  }

  /** The one that all test files share, or one of this process. */
  libvirtd(): Promise<Libvirtd> {
    return this.#use(ensureLibvirtd());
  }

  /** For tests that stop it. */
  privateLibvirtd(): Promise<PrivateLibvirtd> {
    return this.#use(startPrivateLibvirtd());
  }

  async #use<T extends Libvirtd>(starting: Promise<T>): Promise<T> {
    const libvirtd = await starting;
    this.#uri = libvirtd.uri;
    this.atEnd(() => libvirtd.stop());
    return libvirtd;
  }

  /** Under the libvirtd that was asked for before. */
  async guest(options: Omit<GuestOptions, 'uri'>): Promise<Guest> {
    const guest = await bootGuest({ ...options, uri: this.#uri });
    this.atEnd(() => guest.destroy());
    return guest;
  }

  /** Side by side: each has one processor. */
  guests(...all: Omit<GuestOptions, 'uri'>[]): Promise<Guest[]> {
    return Promise.all(all.map(options => this.guest(options)));
  }

  async pool(name: string): Promise<TestPool> {
    const pool = await makeTestPool(this.#uri, name);
    this.atEnd(() => pool.remove());
    return pool;
  }

  async connection(): Promise<LibvirtConnection> {
    const connection = await connect(this.#uri);
    this.atEnd(() => connection.close());
    return connection;
  }
}
