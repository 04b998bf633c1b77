import { debuglog, inspect } from 'node:util';

const log = debuglog('guestwire');

/** With NODE_DEBUG=guestwire on standard error: an error as the layers below made it, which users don't see. */
export function debug(error: unknown): void {
  log(inspect(error));
}
