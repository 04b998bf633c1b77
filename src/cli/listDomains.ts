import { connect, type DomainState, type LibvirtConnection, type ListedDomain } from 'libvirt';
import type { ChosenConnection } from '../engine/guest/chooseConnection.ts';
import { describeError } from '../engine/messages/describeError.ts';
import { candidateReason, linkLabel } from '../engine/messages/linkMessages.ts';
import { inEnglish, message } from '../engine/messages/message.ts';
import { stateMessage } from '../engine/messages/stateMessages.ts';
import {
  type Candidate,
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
import { worded } from './wording.ts';

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
  { json }: ListArguments,
  { uri }: ChosenConnection,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const connection = await connect(uri, { signal });
  try {
    const domains = await connection.listDomains({ signal });
    const entries = await Promise.all(domains.map(domain => describeDomain(connection, domain, signal)));
    entries.sort((a, b) => a.name.localeCompare(b.name));
    const report = { connection: connection.uri, readOnly: connection.readOnly, domains: entries };
    terminal.stdout.write(json ? `${JSON.stringify(report)}\n` : listText(connection, entries));
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
    return { ...entry, guestSystem: devices.osFamily, links: rankCandidates(devices).map(listedLink) };
  } catch (error) {
    if (signal.aborted) throw error;
    const problem = inEnglish(
      isLinkError(error) ? describeError(error, { domain: name }) : message('domain.no-xml'),
    );
    return { ...entry, guestSystem: 'unknown', links: [], problem };
  }
}

function listedLink(candidate: Candidate): ListedLink {
  const { device, kind, use, reason } = candidate;
  return {
    ...{ device, kind, label: inEnglish(linkLabel(candidate)) },
    ...{ use, reason: inEnglish(candidateReason(reason)) },
  };
}

function listText(connection: LibvirtConnection, entries: readonly DomainEntry[]): string {
  const at = printable(connection.uri);
  const notes = connection.readOnly
    ? [`You have read-only access to ${at} and can't copy into its domains.`]
    : [];
  if (entries.length === 0) notes.push(`There are no domains at ${at}.`);
  return [...notes, ...entries.map(domainText)].map(text => `${text}\n`).join('');
}

/** The domain's line, and one for each link: device, verdict, what it is and why. */
export function domainText(entry: DomainEntry): string {
  const state = worded(stateMessage(entry.state));
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
