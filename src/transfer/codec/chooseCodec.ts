/** Which codec a receiver gets. Another one joins by an entry in `codecs`; all else asks only for pieces. */
import type { Codec } from './codec.ts';
import { deflateCodec } from './deflate.ts';
import { ZstdEncoder, zstdCodec } from './zstd.ts';

/** The best first. */
const codecs = [...(ZstdEncoder.isAvailable ? [zstdCodec] : []), deflateCodec];

/** The best codec that the receiver announces. */
export function chooseCodec(capabilities: ReadonlySet<string>): Codec | undefined {
  return codecs.find(codec => capabilities.has(codec.name));
}
