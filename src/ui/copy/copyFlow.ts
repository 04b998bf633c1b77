import type * as vscode from 'vscode';
import { activityOf } from '../../engine/connections/activity.ts';
import type { Connections } from '../../engine/connections/connections.ts';
import type { Receivers } from '../../engine/connections/receivers.ts';
import { type Target, targetKey, targetName } from '../../engine/guest/target.ts';
import type { CopyMemory } from '../../engine/transfers/copyMemory.ts';
import { commonDestination, defaultDestination, proposedName } from '../../engine/transfers/destinations.ts';
import { targetOf } from '../../engine/transfers/domainChoices.ts';
import { lastPlaces } from '../../engine/transfers/lastCopy.ts';
import type { CopyRequest } from '../../engine/transfers/transfer.ts';
import type { TransferList } from '../../engine/transfers/transferList.ts';
import { offerRunning } from '../domains/offerRunning.ts';
import { settings } from '../settings.ts';
import { distinctSources, fileNameOf } from '../sources/sources.ts';
import { l10n } from '../support/l10n.ts';
import { nameOf } from '../transfers/progressText.ts';
import { askDestination, type DestinationProposal } from './askDestination.ts';
import { allUnsaved, askUnsaved } from './askUnsaved.ts';
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
    const proposal = await this.#propose(targets, sources);
    const destination = await askDestination(targets.map(targetName), proposal, what, sources.length);
    if (destination === undefined) return;
    const unsaved = await askUnsaved(sources);
    if (!unsaved) return;
    const places = targets.map(target => ({ target, destination }));
    await this.#start(places, { sources, unsaved });
  }

  /**
   * Copies to the guests and folders of the last copy without asking, each source under its own name; asks if that
   * isn't possible.
   */
  async copyToLast(uris: readonly vscode.Uri[]): Promise<void> {
    const { connections, memory, transfers } = this.#parts;
    const last = lastPlaces(memory, transfers.all);
    if (!last) return this.copy(uris);
    await connections.openAll();
    const places = last.flatMap(({ target, folder }) => {
      const renewed = this.#renewed(target);
      return renewed ? { target: renewed, destination: folder } : [];
    });
    // If a target is gone, the user chooses again instead of it being skipped silently.
    if (places.length < last.length) return this.copy(uris);
    const sources = distinctSources(uris);
    await this.#start(places, { sources, unsaved: allUnsaved(sources), repeated: true });
  }

  async #start(
    places: readonly Pick<CopyRequest, 'target' | 'destination'>[],
    what: Pick<CopyRequest, 'sources' | 'unsaved' | 'repeated'>,
  ): Promise<void> {
    const { transfers, memory } = this.#parts;
    // Later than the last one, also where the clock was set back.
    const chosenAt = Math.max(Date.now(), (memory.last?.at ?? 0) + 1);
    const shared = { ...what, conflict: settings.conflict, chosenAt };
    const requests = places.map((place): CopyRequest => ({ ...place, ...shared }));
    // Failures have already been reported by the notifications.
    await Promise.allSettled(transfers.addAll(requests));
  }

  #pick(title: string): Promise<readonly Target[]> {
    const { connections, receivers, memory } = this.#parts;
    const [last] = memory.last?.places ?? [];
    const lastKey = last && targetKey(last.target);
    const { serialPorts: ports, linkOf } = settings;
    return pickDomains({ connections, receivers, ports, lastKey, linkOf, title });
  }

  /** With the name of today, and the link of today if none was chosen; undefined if it's gone. */
  #renewed(target: Target): Target | undefined {
    if (target.kind === 'port') return settings.serialPorts.includes(target.path) ? target : undefined;
    const place = this.#parts.connections.find(target);
    if (!place || target.isLinkChosen)
      return place && { ...targetOf(place, target.link), isLinkChosen: true };
    return targetOf(place, settings.linkOf(place.domain.name));
  }

  /** The folder of the last copy to these guests with the source's own name, or what the settings say. */
  async #propose(targets: readonly Target[], sources: readonly string[]): Promise<DestinationProposal> {
    const remembered = targets.map(target => this.#parts.memory.folderOf(target));
    const folders = targets.map((target, index) => remembered[index] ?? this.#defaultDestination(target));
    const folder = commonDestination(await Promise.all(folders));
    const [single, ...others] = sources;
    if (single === undefined || others.length > 0 || remembered.some(one => one !== folder))
      return { folder, name: '' };
    return { folder, name: proposedName(folder, await fileNameOf(single)) };
  }

  async #defaultDestination(target: Target): Promise<string> {
    const { connections, receivers } = this.#parts;
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
