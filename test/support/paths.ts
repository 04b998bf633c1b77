import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Top of the checkout, absolute. */
export const repositoryRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** Git-ignored home of everything that is costly to make again (packages, guest image). */
export const cacheRoot = path.join(repositoryRoot, '.cache');
