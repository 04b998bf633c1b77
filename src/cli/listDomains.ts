import { connect, type DomainState, type LibvirtConnection, type ListedDomain } from 'libvirt';
import { stateText } from '../engine/connections/stateText.ts';
import { uriOf } from '../engine/guest/openGuest.ts';
import {
  type CandidateUse,
  isLinkError,
  type LinkKind,
  type OsFamily,
  parseDomainDevices,
  rankCandidates,
} from '../link/index.ts';
import { printable } from '../text/printable.ts';
import type { ListArguments } from './parseArguments.ts';
import type { Terminal } from './terminal.ts';

export interface ListedLink {
  /** As `--link` takes it. */
  readonly device: string;
  readonly kind: LinkKind;
  readonly label: string;
  readonly use: CandidateUse;
  readonly reason: string;
}

export interface DomainEntry {
  readonly name: string;
  readonly uuid: string;
  readonly id: number | null;
  readonly state: DomainState;
  readonly guestSystem: OsFamily;
  readonly links: readonly ListedLink[];
  /** Why there are no links, where the XML could not be read. */
  readonly problem?: string;
}

const USES: Readonly<Record<CandidateUse, string>> = {
  automatic: 'tried',
  'closed-in-guest': 'not tried',
  'named-only': 'not tried',
  unusable: "can't be used",
};

export async function listDomains(
  args: ListArguments,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const connection = await connect(uriOf(args.connect), { signal });
  try {
    const domains = await connection.listDomains({ signal });
    const entries = await Promise.all(domains.map(domain => describeDomain(connection, domain, signal)));
    entries.sort((a, b) => a.name.localeCompare(b.name));
    const report = { connection: connection.uri, readOnly: connection.readOnly, domains: entries };
    terminal.stdout.write(args.json ? `${JSON.stringify(report)}\n` : listText(connection, entries));
  } finally {
    await connection.close();
  }
}

async function describeDomain(
  connection: LibvirtConnection,
  domain: ListedDomain,
  signal: AbortSignal,
): Promise<DomainEntry> {
  const { name, uuid, state } = domain;
  const entry = { name, uuid, id: domain.id ?? null, state };
  try {
    const devices = parseDomainDevices(await connection.domainXml(domain, { signal }));
    const links = rankCandidates(devices).map(({ device, kind, label, use, reason }) => ({
      device,
      kind,
      label,
      use,
      reason,
    }));
    return { ...entry, guestSystem: devices.osFamily, links };
  } catch (error) {
    if (signal.aborted) throw error;
    const problem = isLinkError(error) ? error.message : 'libvirt does not give its XML to you.';
    return { ...entry, guestSystem: 'unknown', links: [], problem };
  }
}

function listText(connection: LibvirtConnection, entries: readonly DomainEntry[]): string {
  const at = printable(connection.uri);
  const notes = connection.readOnly ? [`Your user may only look at ${at}, not copy into its domains.`] : [];
  if (entries.length === 0) notes.push(`There are no domains at ${at}.`);
  return [...notes, ...entries.map(domainText)].map(text => `${text}\n`).join('');
}

/** The domain's line, and one for each link: device, verdict, what it is and why. */
export function domainText(entry: DomainEntry): string {
  const state = stateText(entry.state);
  const lines = [`${printable(entry.name)}  (${state})`];
  const width = Math.max(0, ...entry.links.map(link => printable(link.device).length));
  for (const link of entry.links) {
    const device = printable(link.device).padEnd(width);
    lines.push(`  ${device}  ${USES[link.use].padEnd(13)}  ${printable(`${link.label}: ${link.reason}`)}`);
  }
  if (entry.problem !== undefined) lines.push(`  ${printable(entry.problem)}`);
  else if (entry.links.length === 0) lines.push('  no serial port, console or virtio channel');
  return lines.join('\n');
}
