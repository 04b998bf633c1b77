/** What could not go in its bundle goes by requests of its own. */
import { Slots } from '../slots.ts';
import type { BundleItem } from './bundleItem.ts';

/** Each may need a second request for its answer, and bundles are under way beside them. */
const FILES_AT_ONCE = 4;

export class Stragglers {
  #turn: Promise<void> = Promise.resolve();

  /** Never rejects. In the order of the calls, because a file may need a directory of an earlier bundle. */
  run(items: readonly BundleItem[]): Promise<void> {
    this.#turn = this.#turn.then(() => sendEach(items));
    return this.#turn;
  }
}

async function sendEach(items: readonly BundleItem[]): Promise<void> {
  const files = items.filter(({ kind }) => kind === 'file');
  for (const item of items) if (item.kind !== 'file') await item.sendSeparately();
  const slots = new Slots(FILES_AT_ONCE);
  await Promise.all(files.map(item => slots.run(() => item.sendSeparately())));
}
