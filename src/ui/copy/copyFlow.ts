import type * as vscode from 'vscode';
import { activityOf } from '../../engine/connections/activity.ts';
import type { Connections } from '../../engine/connections/connections.ts';
import type { Receivers } from '../../engine/connections/receivers.ts';
import { type Target, targetKey, targetName } from '../../engine/guest/target.ts';
import { commonDestination, defaultDestination } from '../../engine/transfers/destinations.ts';
import { targetOf } from '../../engine/transfers/domainChoices.ts';
import type { CopyRequest } from '../../engine/transfers/transfer.ts';
import type { TransferList } from '../../engine/transfers/transferList.ts';
import { offerRunning } from '../domains/offerRunning.ts';
import { settings } from '../settings.ts';
import { distinctSources } from '../sources/sources.ts';
import { l10n } from '../support/l10n.ts';
import { nameOf } from '../transfers/progressText.ts';
import { askDestination } from './askDestination.ts';
import { allUnsaved, askUnsaved } from './askUnsaved.ts';
import type { CopyMemory } from './memory.ts';
import { pickDomains } from './pickDomains.ts';

export interface CopyFlowParts {
  readonly connections: Connections;
  readonly receivers: Receivers;
  readonly transfers: TransferList;
  readonly memory: CopyMemory;
}

/** Leads from the files the user chose to queued transfers, with as few questions as possible. */
export class CopyFlow {
  readonly #parts: CopyFlowParts;

  constructor(parts: CopyFlowParts) {
    this.#parts = parts;
  }

  /**
   * Asks for what isn't given. Does nothing if the user cancels a question.
   *
   * @param given - where to copy; several targets get the same files at once
   */
  async copy(uris: readonly vscode.Uri[], given: readonly Target[] = []): Promise<void> {
    const sources = distinctSources(uris);
    const what = whatText(sources);
    const targets = given.length > 0 ? given : await this.#pick(l10n.t('Copy {0} to Guest VM', what));
    for (const target of targets) if (!(await this.#ensureRunning(target))) return;
    if (targets.length === 0) return;
    const proposals = await Promise.all(targets.map(target => this.#proposeDestination(target)));
    const names = targets.map(targetName);
    const destination = await askDestination(names, commonDestination(proposals), what, sources.length);
    if (destination === undefined) return;
    const unsaved = await askUnsaved(sources);
    if (!unsaved) return;
    await this.#parts.memory.remember(targets, destination);
    await this.#start(targets, { sources, unsaved, destination });
  }

  /** Repeats the last copy with these files without asking; asks if that isn't possible. */
  async copyToLast(uris: readonly vscode.Uri[]): Promise<void> {
    const { connections, memory } = this.#parts;
    const { last } = memory;
    if (!last) return this.copy(uris);
    await connections.openAll();
    const targets = last.targets.flatMap(target => this.#renewed(target) ?? []);
    // If a target is gone, the user chooses again instead of it being skipped silently.
    if (targets.length < last.targets.length) return this.copy(uris);
    const sources = distinctSources(uris);
    const what = { sources, unsaved: allUnsaved(sources), destination: last.destination };
    await this.#start(targets, { ...what, repeated: true });
  }

  async #start(
    targets: readonly Target[],
    what: Pick<CopyRequest, 'sources' | 'unsaved' | 'destination' | 'repeated'>,
  ): Promise<void> {
    const { transfers } = this.#parts;
    const requests = targets.map((target): CopyRequest => ({ target, ...what, conflict: settings.conflict }));
    // Failures have already been reported by the notifications.
    await Promise.allSettled(transfers.addAll(requests));
  }

  #pick(title: string): Promise<readonly Target[]> {
    const { connections, receivers, memory } = this.#parts;
    const [last] = memory.last?.targets ?? [];
    const lastKey = last && targetKey(last);
    const { serialPorts: ports, linkOf } = settings;
    return pickDomains({ connections, receivers, ports, lastKey, linkOf, title });
  }

  /** With the name and the link of today; undefined if it's gone. */
  #renewed(target: Target): Target | undefined {
    if (target.kind === 'port') return settings.serialPorts.includes(target.path) ? target : undefined;
    const place = this.#parts.connections.find(target);
    return place && targetOf(place, settings.linkOf(place.domain.name));
  }

  async #proposeDestination(target: Target): Promise<string> {
    const { connections, memory, receivers } = this.#parts;
    const last = memory.destinationOf(target);
    if (last !== undefined) return last;
    const place = target.kind === 'domain' ? connections.find(target) : undefined;
    // If the XML can't be read, the guest's system stays unknown.
    const details = await place?.connection.details(place.domain).catch(() => undefined);
    return defaultDestination(settings.destination, {
      domain: targetName(target),
      system: receivers.system(targetKey(target)),
      osFamily: details?.devices.osFamily,
    });
  }

  async #ensureRunning(target: Target): Promise<boolean> {
    const place = target.kind === 'domain' ? this.#parts.connections.find(target) : undefined;
    if (!place || activityOf(place.domain.state) === 'running') return true;
    return offerRunning(place);
  }
}

function whatText(sources: readonly string[]): string {
  const name = nameOf(sources[0] ?? '');
  return sources.length === 1 ? name : l10n.t('{0} files and folders', sources.length);
}
