import { readFileSync } from 'node:fs';

/** Put in by the bundler; not there when the source runs as it is. */
declare const GUESTWIRE_VERSION: string | undefined;

export function version(): string {
  if (typeof GUESTWIRE_VERSION === 'string') return GUESTWIRE_VERSION;
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return String(manifest.version);
}
