import type * as vscode from 'vscode';
import type { Connections, DomainPlace } from '../engine/connections/connections.ts';
import { destinationProblem } from '../engine/transfers/destinations.ts';
import { targetOf } from '../engine/transfers/domainChoices.ts';
import type { TransferFailure } from '../engine/transfers/transferFailure.ts';
import type { TransferList } from '../engine/transfers/transferList.ts';
import type { ConflictPolicy, CopyResult } from '../transfer/index.ts';
import { allUnsaved } from './copy/askUnsaved.ts';
import { settings } from './settings.ts';
import { distinctSources } from './sources/sources.ts';
import { l10n, localized } from './support/l10n.ts';

export interface CopyToGuestOptions {
  /** Name or UUID. */
  readonly domain: string;
  /** Path in the guest: a folder, or the path of the copy itself. */
  readonly destination: string;
  /** libvirt URI. Default: all configured connections are searched. */
  readonly connection?: string;
  /** Default: the user's setting. */
  readonly conflict?: ConflictPolicy;
  /** Same values as com-dd's `--link`. Default: the user's setting. */
  readonly link?: string;
}

/** What `activate()` returns, for other extensions. */
export interface GuestwireApi {
  /**
   * Copies files and folders into a guest, with the same progress and messages as a copy started by the user.
   *
   * Rejects with an Error that has a `code` if nothing could be copied or the copy was interrupted (`aborted` if the
   * token cancelled it). An error of a single file is in that file's entry of the result.
   */
  copyToGuest(
    uris: readonly vscode.Uri[],
    options: CopyToGuestOptions,
    token?: vscode.CancellationToken,
  ): Promise<CopyResult>;
}

/** What other extensions get: the code for them, the message for their users. */
class CopyError extends Error {
  override readonly name = 'CopyError';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A transfer's rejection is always a TransferFailure. */
function rethrow(error: TransferFailure): never {
  throw new CopyError(error.code, localized(error.explanation), { cause: error });
}

export function createApi(connections: Connections, transfers: TransferList): GuestwireApi {
  return {
    async copyToGuest(uris, options, token) {
      const sources = distinctSources(uris);
      if (sources.length === 0) throw new CopyError('invalid-argument', 'no files given');
      const problem = destinationProblem(options.destination, sources.length);
      if (problem) throw new CopyError('invalid-argument', localized(problem));
      const place = await findDomain(connections, options);
      const request = {
        target: targetOf(place, options.link ?? settings.linkOf(place.domain.name)),
        sources,
        unsaved: allUnsaved(sources),
        destination: options.destination,
        conflict: options.conflict ?? settings.conflict,
      };
      const { completion } = transfers.add(request, token && abortSignalOf(token));
      return (await completion.catch(rethrow)).result;
    },
  };
}

async function findDomain(
  connections: Connections,
  { domain: name, connection: uri }: CopyToGuestOptions,
): Promise<DomainPlace> {
  await connections.openAll();
  const places = connections
    .domains()
    .filter(({ connection }) => uri === undefined || connection.uri === uri);
  const found =
    places.find(({ domain }) => domain.name === name) ?? places.find(({ domain }) => domain.uuid === name);
  if (found) return found;
  throw new CopyError('no-domain', l10n.t('No configured connection has a domain named "{0}".', name));
}

function abortSignalOf(token: vscode.CancellationToken): AbortSignal {
  const controller = new AbortController();
  if (token.isCancellationRequested) controller.abort();
  token.onCancellationRequested(() => controller.abort());
  return controller.signal;
}
