import type { Command } from './command.ts';
import { sourceUris } from './copyToGuest.ts';

/** To where the last copy went, without a question. */
export const copyToLastGuest: Command = async ({ copyFlow }, clicked, selected) => {
  const uris = await sourceUris(clicked, selected);
  return uris.length > 0 ? copyFlow.copyToLast(uris) : undefined;
};
