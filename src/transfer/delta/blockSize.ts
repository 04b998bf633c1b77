import { MAX_SIGNATURE_BLOCKS } from '../../protocol/index.ts';

const MIN_BLOCK_BYTES = 1_024;

/**
 * Block size for a basis: about its square root, which balances what the signature costs against what a change costs;
 * a power of two.
 */
export function blockSizeFor(basisBytes: number): number {
  let bytes = MIN_BLOCK_BYTES;
  while (bytes * bytes * 2 <= basisBytes || Math.ceil(basisBytes / bytes) > MAX_SIGNATURE_BLOCKS) bytes *= 2;
  return bytes;
}
