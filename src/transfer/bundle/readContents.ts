/** Reads and hashes many small files side by side. */
import { hash } from 'node:crypto';
import { Slots } from '../slots.ts';
import type { SourceSystem } from '../sourceSystem.ts';
import type { BundleItem } from './bundleItem.ts';

export interface Contents {
  readonly bytes: Buffer;
  readonly sha256: string;
}

/** Of an item, where else its contents are being read already; undefined where they are not. */
export type KnownContents = Promise<Contents | undefined> | undefined;

/** More than the threads that read for Node would only wait there. */
const AT_ONCE = 8;

/** Of each file its contents; undefined if it can't be read, or has another size by now. */
export async function readContents(
  system: SourceSystem,
  items: readonly BundleItem[],
  known: readonly KnownContents[],
): Promise<Array<Contents | undefined>> {
  const slots = new Slots(AT_ONCE);
  const contentsOf = async (item: BundleItem, index: number) =>
    (await known[index]) ?? (await readWhole(system, item).catch(() => undefined));
  return Promise.all(
    items.map((item, index) => (item.kind === 'file' ? slots.run(() => contentsOf(item, index)) : undefined)),
  );
}

async function readWhole(system: SourceSystem, { entry }: BundleItem): Promise<Contents | undefined> {
  const { source, info } = entry;
  // One byte more shows a file that has grown.
  const bytes = await (system.readStart?.(source, info.size + 1) ?? readStart(system, source, info.size + 1));
  return bytes.length === info.size ? { bytes, sha256: hash('sha256', bytes) } : undefined;
}

async function readStart(system: SourceSystem, source: string, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes);
  const file = await system.open(source);
  try {
    return buffer.subarray(0, await file.read(buffer));
  } finally {
    await file.close();
  }
}
