import { connect, type Domain, type DomainStateReason, type LibvirtConnection } from 'libvirt';
import {
  type Candidate,
  CHANNEL_NAME,
  chooseCandidate,
  type FoundReceiver,
  findReceiver,
  type Greeting,
  hostPortCandidate,
  isHostPort,
  type Link,
  laneCandidates,
  openHostPort,
  openLink,
  parseDomainDevices,
  rankCandidates,
} from '../../link/index.ts';
import { isProtocolError, type LaneOptions, openSession, type Session } from '../../protocol/index.ts';
import type { FeatureMode } from '../../text/featureMode.ts';
import { diagnoseOpening } from './diagnose.ts';
import { findDomain, requireRunning } from './findDomain.ts';
import { OpenStreams } from './openStreams.ts';
import type { DomainTarget, Target } from './target.ts';

export interface OpenGuestOptions {
  readonly signal: AbortSignal;
  /** Further serial ports of the domain beside the link; default `auto`. */
  readonly lanes?: FeatureMode | undefined;
}

/** A session with a receiver, and what is needed to find out later why it ended. */
export interface OpenGuest extends FoundReceiver<Session> {
  readonly connection: LibvirtConnection | undefined;
  readonly domain: Domain | undefined;
  /** How the domain last stopped since this was opened, as libvirt told it. */
  readonly lastStop?: () => DomainStateReason | undefined;
  /** The domain has the channel that is the fastest way in, whether it was taken or not. */
  readonly hasChannel: boolean;
  close(): Promise<void>;
}

/** From an address to a session. Throws coded errors of every layer below. */
export async function openGuest(target: Target, options: OpenGuestOptions): Promise<OpenGuest> {
  if (target.kind === 'port') return openOnHostPort(target.path, options.signal);
  return isHostPort(target.link) ? openOnHostPort(target.link, options.signal) : openDomain(target, options);
}

async function openOnHostPort(path: string, signal: AbortSignal): Promise<OpenGuest> {
  const streams = new OpenStreams();
  try {
    const found = await findReceiver({
      domainName: undefined,
      osFamily: 'unknown',
      candidates: [],
      named: hostPortCandidate(path),
      open: async (_candidate, attempt) => tracked(await openHostPort(path, { signal: attempt }), streams),
      handshake,
      signal,
    });
    const close = () => found.session.close();
    return { ...found, connection: undefined, domain: undefined, hasChannel: false, close };
  } catch (error) {
    await streams.closed();
    throw error;
  }
}

function tracked(link: Link, streams: OpenStreams): Link {
  streams.add(link.stream);
  return link;
}

async function openDomain(target: DomainTarget, options: OpenGuestOptions): Promise<OpenGuest> {
  const { signal } = options;
  const connection = await connect(target.uri, { signal });
  const streams = new OpenStreams();
  try {
    const domain = await findDomain(connection, target.uuid ?? target.name, signal);
    const lastStop = followStops(connection, domain);
    await requireRunning(connection, domain, signal);
    const found = await findInDomain(connection, domain, target.link, streams, options).catch(async error => {
      throw await diagnoseOpening(error, connection, domain);
    });
    const close = async () => {
      await found.session.close();
      await streams.closed();
      await connection.close();
    };
    return { ...found, connection, domain, lastStop, close };
  } catch (error) {
    await streams.closed();
    await connection.close();
    throw error;
  }
}

/** The event is the only trace that a transient domain leaves, or one that runs again. */
function followStops(connection: LibvirtConnection, { uuid }: Domain): () => DomainStateReason | undefined {
  let last: DomainStateReason | undefined;
  connection.on('lifecycle', ({ domain, stopReason }) => {
    if (domain.uuid === uuid) last = stopReason ?? last;
  });
  // Without it less is known; the copy can do without.
  connection.subscribeLifecycle().catch(() => undefined);
  return () => last;
}

async function findInDomain(
  connection: LibvirtConnection,
  domain: Domain,
  device: string,
  streams: OpenStreams,
  { lanes = 'auto', signal }: OpenGuestOptions,
): Promise<FoundReceiver<Session> & { hasChannel: boolean }> {
  const devices = parseDomainDevices(await connection.domainXml(domain, { signal }));
  const candidates = rankCandidates(devices);
  const named = device === 'auto' ? undefined : chooseCandidate(candidates, device, domain.name);
  const open = async (candidate: Candidate, attempt: AbortSignal) =>
    tracked(await openLink(connection, domain, candidate, { signal: attempt }), streams);
  const lanesBeside = ({ description }: Link): LaneOptions => {
    const openers = laneCandidates(candidates, description).map(
      candidate => async (attempt: AbortSignal) => (await open(candidate, attempt)).stream,
    );
    return { openers, mode: lanes };
  };
  const found = await findReceiver({
    domainName: domain.name,
    osFamily: devices.osFamily,
    candidates,
    named,
    open,
    handshake: (link, attempt) => handshake(link, attempt, lanesBeside(link)),
    signal,
  });
  return { ...found, hasChannel: devices.channels.some(({ name }) => name === CHANNEL_NAME) };
}

/** The search sets its own time limits, by the signal. */
async function handshake(
  { stream, description }: Link,
  signal: AbortSignal,
  lanes?: LaneOptions,
): Promise<Greeting<Session>> {
  try {
    const isChannel = description.kind === 'channel';
    return { session: await openSession(stream, { signal, timeoutMs: 60_000, isChannel, lanes }) };
  } catch (error) {
    if (!isProtocolError(error) || error.code === 'version') throw error;
    return error.occupant && { occupant: error.occupant };
  }
}
