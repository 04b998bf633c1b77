import * as vscode from 'vscode';
import { DEFAULT_CONNECTION } from '../engine/connections/connections.ts';
import type { NotificationChoice } from '../engine/transfers/jobNotifications.ts';
import type { ConflictPolicy } from '../transfer/index.ts';

const SECTION = 'guestwire';
const CONFLICTS: readonly ConflictPolicy[] = ['ask', 'overwrite', 'skip', 'newer', 'rename'];
const ON_OFF = ['auto', 'on', 'off'] as const;
const NOTIFICATIONS: readonly NotificationChoice[] = ['always', 'failures', 'never'];
const MAX_PARALLEL = 3;

/** The current settings. VS Code doesn't validate settings.json, so each value is checked here. */
export const settings = {
  get connections(): string[] {
    return strings('connections', [DEFAULT_CONNECTION]);
  },
  get serialPorts(): string[] {
    return strings('serialPorts', []);
  },
  get destination(): Readonly<Record<string, string>> {
    return record('destination');
  },
  get conflict(): ConflictPolicy {
    const value = read('conflict');
    return CONFLICTS.find(policy => policy === value) ?? 'ask';
  },
  get compression(): (typeof ON_OFF)[number] {
    return onOff('compression');
  },
  get delta(): (typeof ON_OFF)[number] {
    return onOff('delta');
  },
  get lanes(): (typeof ON_OFF)[number] {
    return onOff('lanes');
  },
  get notifications(): NotificationChoice {
    const value = read('notifications');
    return NOTIFICATIONS.find(choice => choice === value) ?? 'always';
  },
  get maxParallelTransfers(): number {
    const value = read('maxParallelTransfers');
    return typeof value === 'number' && value >= 1 ? Math.floor(value) : MAX_PARALLEL;
  },
  /** Same values as com-dd's `--link`. */
  linkOf(domain: string): string {
    const links = record('link');
    const link = Object.hasOwn(links, domain) ? links[domain] : undefined;
    return link || 'auto';
  },
  async setConnections(uris: readonly string[]): Promise<void> {
    const target = vscode.ConfigurationTarget.Global;
    await vscode.workspace.getConfiguration(SECTION).update('connections', uris, target);
  },
  /** Wherever they are set, and however often. */
  async removeConnections(isOne: (uri: string) => boolean): Promise<void> {
    const configuration = vscode.workspace.getConfiguration(SECTION);
    const { globalValue, workspaceValue } = configuration.inspect<unknown>('connections') ?? {};
    const { Global, Workspace } = vscode.ConfigurationTarget;
    const levels = [
      [Global, globalValue],
      [Workspace, workspaceValue],
    ] as const;
    const set = levels.filter(([, value]) => Array.isArray(value));
    // Where nothing is set, it's the default that is shown.
    const changed = set.length > 0 ? set : ([[Global, this.connections]] as const);
    for (const [target, value] of changed) {
      const kept = (value as unknown[]).filter(uri => typeof uri !== 'string' || !isOne(uri.trim()));
      await configuration.update('connections', kept, target);
    }
  },
};

export function onSettingChange(key: string, listener: () => void): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration(event => {
    if (event.affectsConfiguration(`${SECTION}.${key}`)) listener();
  });
}

function read(key: string): unknown {
  return vscode.workspace.getConfiguration(SECTION).get<unknown>(key);
}

function onOff(key: string): (typeof ON_OFF)[number] {
  const value = read(key);
  return ON_OFF.find(choice => choice === value) ?? 'auto';
}

function strings(key: string, fallback: string[]): string[] {
  const value = read(key);
  if (!Array.isArray(value)) return fallback;
  return value.filter(item => typeof item === 'string' && item.trim() !== '').map(item => item.trim());
}

function record(key: string): Record<string, string> {
  const value = read(key);
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter(entry => typeof entry[1] === 'string'));
}
