/** Reads many small files side by side. */
import type { SourceSystem } from '../sourceSystem.ts';
import type { BundleItem } from './bundleItem.ts';

/** More than the threads that read for Node would only wait there. */
const AT_ONCE = 8;

/** Of each file its contents; undefined where it cannot be read, or is no longer of the size it had. */
export async function readContents(
  system: SourceSystem,
  items: readonly BundleItem[],
): Promise<Array<Buffer | undefined>> {
  const contents: Array<Buffer | undefined> = new Array(items.length);
  let next = 0;
  const readOn = async () => {
    for (let index = next++; index < items.length; index = next++) {
      const { kind, entry } = items[index] as BundleItem;
      if (kind === 'file')
        contents[index] = await readWhole(system, entry.source, entry.info.size).catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, readOn));
  return contents;
}

async function readWhole(system: SourceSystem, source: string, size: number): Promise<Buffer | undefined> {
  // One byte more shows a file that has grown.
  const bytes = await (system.readStart?.(source, size + 1) ?? readStart(system, source, size + 1));
  return bytes.length === size ? bytes : undefined;
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
