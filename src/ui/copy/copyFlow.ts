import type { ListedDomain } from 'libvirt';
import * as vscode from 'vscode';
import { activityOf } from '../../engine/connections/activity.ts';
import type { Connections } from '../../engine/connections/connections.ts';
import type { ManagedConnection } from '../../engine/connections/managedConnection.ts';
import { domainKey, type Receivers } from '../../engine/connections/receivers.ts';
import { harmless } from '../../engine/support/harmless.ts';
import { l10n } from '../../engine/support/l10n.ts';
import { type Target, targetKey } from '../../engine/transfers/domainChoices.ts';
import type { CopyRequest } from '../../engine/transfers/transfer.ts';
import type { TransferList } from '../../engine/transfers/transferList.ts';
import { stateText } from '../domains/domainPresentation.ts';
import { settings } from '../settings.ts';
import { nameOf } from '../transfers/progressText.ts';
import { askDestination } from './askDestination.ts';
import { allUnsaved, askUnsaved } from './askUnsaved.ts';
import { commonDestination, defaultDestination } from './destinations.ts';
import type { CopyMemory } from './memory.ts';
import { pickDomains } from './pickDomains.ts';
import { distinctSources } from './sources.ts';

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
   * @param link - same values as com-dd's `--link`; default: the user's setting
   */
  async copy(uris: readonly vscode.Uri[], given: readonly Target[] = [], link?: string): Promise<void> {
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
    await this.#parts.memory.remember(targets.map(targetKey), destination);
    await this.#start(targets, { sources, unsaved, destination, link });
  }

  /** Repeats the last copy with these files without asking; asks if that isn't possible. */
  async copyToLast(uris: readonly vscode.Uri[]): Promise<void> {
    const { connections, memory } = this.#parts;
    const { last } = memory;
    if (!last) return this.copy(uris);
    await connections.openAll();
    const keys = [last.target, ...(last.also ?? [])];
    const targets = keys.flatMap(key => this.#findTarget(key) ?? []);
    // If a target is gone, the user chooses again instead of it being skipped silently.
    if (targets.length < keys.length) return this.copy(uris);
    const sources = distinctSources(uris);
    const what = { sources, unsaved: allUnsaved(sources), destination: last.destination };
    await this.#start(targets, { ...what, link: undefined, repeated: true });
  }

  async #start(
    targets: readonly Target[],
    what: Pick<CopyRequest, 'sources' | 'unsaved' | 'destination' | 'repeated'> & {
      link: string | undefined;
    },
  ): Promise<void> {
    const { transfers } = this.#parts;
    const requests = targets.map(
      (target): CopyRequest => ({
        ...what,
        ...addressOf(target),
        link: target.kind === 'port' ? target.path : (what.link ?? settings.linkOf(target.domain.name)),
        conflict: settings.conflict,
      }),
    );
    // Failures have already been reported by the notifications.
    await Promise.allSettled(transfers.addAll(requests));
  }

  #pick(title: string): Promise<readonly Target[]> {
    const { connections, receivers, memory } = this.#parts;
    const lastKey = memory.last?.target;
    return pickDomains({ connections, receivers, ports: settings.serialPorts, lastKey, title });
  }

  #findTarget(key: string): Target | undefined {
    if (settings.serialPorts.includes(key)) return { kind: 'port', path: key };
    const place = this.#parts.connections
      .domains()
      .find(({ connection, domain }) => domainKey(connection.uri, domain.uuid) === key);
    return place && { kind: 'domain', ...place };
  }

  async #proposeDestination(target: Target): Promise<string> {
    const { memory, receivers } = this.#parts;
    const key = targetKey(target);
    const last = memory.destinationOf(key);
    if (last !== undefined) return last;
    const facts = { domain: targetName(target), system: receivers.system(key), osFamily: undefined };
    if (target.kind === 'port') return defaultDestination(settings.destination, facts);
    // If the XML can't be read, the guest's system stays unknown.
    const details = await target.connection.details(target.domain).catch(() => undefined);
    const osFamily = details?.devices.osFamily;
    return defaultDestination(settings.destination, { ...facts, osFamily });
  }

  async #ensureRunning(target: Target): Promise<boolean> {
    if (target.kind === 'port') return true;
    const { connection } = target;
    const domain = connection.domains.get(target.domain.uuid) ?? target.domain;
    if (activityOf(domain.state) === 'running') return true;
    await this.#offerStart(connection, domain);
    return false;
  }

  /** A guest takes a while to boot, so the copy doesn't wait for it. */
  async #offerStart(connection: ManagedConnection, domain: ListedDomain): Promise<void> {
    const start = l10n.t('Start Domain');
    const text = l10n.t(
      'Domain "{0}" isn\'t running ({1}). Start it, then copy again when its receiver is running.',
      harmless(domain.name),
      stateText(domain.state),
    );
    const canStart = activityOf(domain.state) === 'off';
    const answer = await vscode.window.showWarningMessage(text, ...(canStart ? [start] : []));
    if (answer === start) {
      await vscode.commands.executeCommand('guestwire.startDomain', {
        kind: 'domain',
        connection,
        uuid: domain.uuid,
      });
    }
  }
}

function targetName(target: Target): string {
  return target.kind === 'port' ? target.path : target.domain.name;
}

function addressOf(target: Target): Pick<CopyRequest, 'connection' | 'domain' | 'uuid'> {
  if (target.kind === 'port') return { connection: undefined, domain: target.path, uuid: undefined };
  const { connection, domain } = target;
  return { connection: connection.uri, domain: domain.name, uuid: domain.uuid };
}

function whatText(sources: readonly string[]): string {
  const name = nameOf(sources[0] ?? '');
  return sources.length === 1 ? name : l10n.t('{0} files and folders', sources.length);
}
