/** Reads and hashes many small files side by side, each as the one version that it was when it was looked at. */
import { hash } from 'node:crypto';
import { openSource } from '../openSource.ts';
import { Slots } from '../slots.ts';
import type { SourceStart, SourceSystem } from '../sourceSystem.ts';
import { isSameVersion, waitUntilSettled } from '../sourceVersion.ts';
import type { BundleItem } from './bundleItem.ts';

export interface Contents {
  readonly bytes: Buffer;
  readonly sha256: string;
}

/** Of an item, where else its contents are being read already; undefined where they are not. */
export type KnownContents = Promise<Contents | undefined> | undefined;

/** More than the threads that read for Node would only wait there. */
const AT_ONCE = 8;

/** Of each file its contents; undefined if it can't be read, or has changed by then. */
export async function readContents(
  system: SourceSystem,
  items: readonly BundleItem[],
  known: readonly KnownContents[],
): Promise<Array<Contents | undefined>> {
  await waitUntilSettled(items.filter(({ kind }) => kind === 'file').map(({ entry }) => entry.info));
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
  const start = await (system.readStart?.(source, info.size + 1) ?? readStart(system, source, info.size + 1));
  const { bytes, version } = start;
  // One look suffices: what it is now, it has been since before it was read.
  const isWhole = bytes.length === info.size && isSameVersion(info, version);
  return isWhole ? { bytes, sha256: hash('sha256', bytes) } : undefined;
}

async function readStart(system: SourceSystem, source: string, bytes: number): Promise<SourceStart> {
  const buffer = Buffer.allocUnsafe(bytes);
  const file = await openSource(system, source);
  try {
    const filled = await file.read(buffer);
    return { bytes: buffer.subarray(0, filled), version: await file.version() };
  } finally {
    await file.close();
  }
}
