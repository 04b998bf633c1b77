import * as vscode from 'vscode';
import { activityOf } from '../../engine/connections/activity.ts';
import type { Connections } from '../../engine/connections/connections.ts';
import type { Receivers } from '../../engine/connections/receivers.ts';
import { type Target, targetKey, targetName } from '../../engine/guest/target.ts';
import { type DomainChoices, domainChoices, onlyChoice } from '../../engine/transfers/domainChoices.ts';
import { presentDomain } from '../domains/domainPresentation.ts';
import { harmless } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';

interface TargetItem extends vscode.QuickPickItem {
  readonly target?: Target;
  /** Leads to the list in which several can be selected. */
  readonly several?: true;
}

export interface PickDomainOptions {
  readonly connections: Connections;
  readonly receivers: Receivers;
  readonly ports: readonly string[];
  readonly lastKey: string | undefined;
  readonly linkOf: (domain: string) => string;
  readonly title: string;
}

/** How long connecting may take before the empty list is shown. */
const PATIENCE_MS = 300;
/** At most this many domains are asked about their receivers first, because more would delay the list. */
const MAX_READ = 20;

/** Empty if the user cancels. Doesn't ask if only one domain is running. */
export async function pickDomains(options: PickDomainOptions): Promise<readonly Target[]> {
  const { connections, ports, lastKey, linkOf } = options;
  const choices = () => domainChoices(connections.domains(), ports, lastKey, linkOf);
  const loading = load(connections).then(choices);
  const quick = await Promise.race([loading, afterMs(PATIENCE_MS)]);
  const only = quick && onlyChoice(quick);
  if (only) return [only];
  const picked = await askDomain(options, loading, quick);
  if (picked === 'several') return askSeveral(options, await loading);
  return picked ? [picked] : [];
}

/** Connects, and reads the details that the list shows of guest system and receiver. */
async function load(connections: Connections): Promise<void> {
  await connections.openAll();
  const running = connections.domains().filter(({ domain }) => activityOf(domain.state) === 'running');
  const read = running.slice(0, MAX_READ).map(({ connection, domain }) => connection.renewDetails(domain));
  await Promise.allSettled(read);
}

async function askDomain(
  options: PickDomainOptions,
  loading: Promise<DomainChoices>,
  loaded: DomainChoices | undefined,
): Promise<Target | 'several' | undefined> {
  const picker = vscode.window.createQuickPick<TargetItem>();
  picker.title = options.title;
  picker.placeholder = l10n.t('Select a domain');
  picker.matchOnDescription = true;
  picker.busy = loaded === undefined;
  picker.items = loaded ? itemsOf(loaded, options) : [];
  try {
    return await new Promise(resolve => {
      picker.onDidHide(() => resolve(undefined));
      picker.onDidAccept(() => {
        const [item] = picker.selectedItems;
        if (item?.several) resolve('several');
        if (item?.target) resolve(item.target);
      });
      picker.show();
      void loading.then(choices => {
        picker.busy = false;
        const only = onlyChoice(choices);
        if (only && !loaded) return resolve(only);
        if (!loaded) picker.items = itemsOf(choices, options);
      });
    });
  } finally {
    picker.dispose();
  }
}

/** Every selected guest gets the same files. */
async function askSeveral(options: PickDomainOptions, { ready }: DomainChoices): Promise<readonly Target[]> {
  const items = ready.map(target => itemOf(target, options));
  const placeHolder = l10n.t('Select the guests to copy to');
  const picked = await vscode.window.showQuickPick(items, {
    ...{ title: options.title, placeHolder },
    canPickMany: true,
    matchOnDescription: true,
  });
  return (picked ?? []).flatMap(({ target }) => target ?? []);
}

function itemsOf({ ready, notRunning }: DomainChoices, options: PickDomainOptions): TargetItem[] {
  if (ready.length + notRunning.length === 0) {
    return [{ label: l10n.t('No domains found'), detail: l10n.t('See the Guestwire view for details.') }];
  }
  const kind = vscode.QuickPickItemKind.Separator;
  const others = notRunning.map(target => itemOf(target, options));
  return [
    ...ready.map(target => itemOf(target, options)),
    ...(ready.length > 1 ? [severalItem()] : []),
    ...(others.length > 0 ? [{ label: l10n.t('not running'), kind }, ...others] : []),
  ];
}

function severalItem(): TargetItem {
  return { label: l10n.t('Several Guests…'), iconPath: new vscode.ThemeIcon('checklist'), several: true };
}

function itemOf(target: Target, { connections, receivers }: PickDomainOptions): TargetItem {
  if (target.kind === 'port') {
    return { label: harmless(target.path), description: l10n.t('serial port on this computer'), target };
  }
  const place = connections.find(target);
  if (!place) return { label: harmless(targetName(target)), target };
  const { connection, domain } = place;
  const key = targetKey(target);
  const details = connection.knownDetails(domain.uuid);
  const { label, description, icon } = presentDomain({
    domain,
    connectionUri: connection.uri,
    writable: true,
    current: connection.status.kind === 'connected',
    osId: details?.devices.osId,
    system: receivers.system(key),
    receiver: receivers.state(key, details),
  });
  return {
    label,
    description: `${description} · ${harmless(connection.uri)}`,
    iconPath: new vscode.ThemeIcon(icon.id, icon.color ? new vscode.ThemeColor(icon.color) : undefined),
    target,
  };
}

function afterMs(ms: number): Promise<undefined> {
  return new Promise(resolve => setTimeout(() => resolve(undefined), ms));
}
