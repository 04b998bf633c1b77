import { setTimeout as delay } from 'node:timers/promises';
import { isAborted, throwIfAborted } from '../text/abort.ts';
import { type Candidate, isAutomatic } from './candidates.ts';
import type { OsFamily } from './domainDevices.ts';
import { type Attempt, isLinkError, LinkError } from './errors.ts';
import { CHANNEL_NAME, type Link, type LinkDescription } from './link.ts';

/**
 * Talks to whatever is behind the link: the session, or undefined if nobody answers. A rejection says that
 * something did answer and can't be used (another protocol version); it is kept for the caller.
 */
export type SessionOpener<Session> = (link: Link, signal: AbortSignal) => Promise<Session | undefined>;

export interface ReceiverSearch<Session> {
  /** Undefined where the link is the host's own port. */
  readonly domainName: string | undefined;
  /** For the words about how to start a receiver. */
  readonly osFamily: OsFamily;
  /** The domain's devices as ranked; only the automatic ones are tried. */
  readonly candidates: readonly Candidate[];
  /** The one that a person named: it is tried whatever it is, and no other. */
  readonly named?: Candidate | undefined;
  readonly open: (candidate: Candidate, signal: AbortSignal) => Promise<Link>;
  readonly handshake: SessionOpener<Session>;
  readonly signal?: AbortSignal | undefined;
  /** Bound on the whole search, opening included. */
  readonly totalTimeoutMs?: number | undefined;
  /** How long one link may stay silent. */
  readonly handshakeTimeoutMs?: number | undefined;
  /** The next link is tried along with this one after so long. */
  readonly staggerMs?: number | undefined;
}

export interface FoundReceiver<Session> {
  readonly link: Link;
  readonly session: Session;
  /** Better links that did not answer: busy, or nobody there. */
  readonly passedOver: readonly LinkDescription[];
}

const TOTAL_TIMEOUT_MS = 8000;
/** Five HELLOs: noise on the line may swallow the first, and a guest without KVM may be slow to answer. */
const HANDSHAKE_TIMEOUT_MS = 4000;
/**
 * A receiver answers in some ms; a second HELLO goes out at 800 ms, for which a better link deserves to be
 * waited for: between a channel and a serial port lies a factor of 1,000.
 */
const STAGGER_MS = 1500;

/**
 * Tries the links that may be tried unasked, best first, and takes the first on which a receiver answers; or
 * the one that was named. The others are closed, those that open late included. Throws LinkError `no-link`,
 * `no-receiver` or `busy`, or an AbortError; or what the handshake threw; or what opening threw, if nothing opened.
 */
export async function findReceiver<Session>(
  search: ReceiverSearch<Session>,
): Promise<FoundReceiver<Session>> {
  throwIfAborted(search.signal);
  const candidates = search.named ? [search.named] : search.candidates.filter(isAutomatic);
  if (candidates.length === 0) throw noLink(search);
  const race = new Race(search, candidates);
  try {
    return await Promise.any(race.run());
  } catch (error) {
    throwIfAborted(search.signal);
    throw failure(search, candidates, error instanceof AggregateError ? error.errors : [error]);
  } finally {
    race.stop();
  }
}

/** One controller a link, so that the winner's is never aborted. */
class Race<Session> {
  readonly #search: ReceiverSearch<Session>;
  readonly #entries: readonly { candidate: Candidate; controller: AbortController }[];
  readonly #deadline: NodeJS.Timeout;
  readonly #onAbort = () => this.stop();
  #winner: AbortController | undefined;

  constructor(search: ReceiverSearch<Session>, candidates: readonly Candidate[]) {
    this.#search = search;
    this.#entries = candidates.map(candidate => ({ candidate, controller: new AbortController() }));
    this.#deadline = setTimeout(() => this.stop(), search.totalTimeoutMs ?? TOTAL_TIMEOUT_MS);
    search.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Each starts when the one before it has failed, or has been silent for a while. */
  run(): Promise<FoundReceiver<Session>>[] {
    let turn: Promise<unknown> = Promise.resolve();
    return this.#entries.map(({ candidate, controller }) => {
      const attempt = turn.then(() => this.#attempt(candidate, controller));
      const patience = turn.then(() => this.#patience(controller.signal));
      turn = Promise.race([attempt, patience]).catch(() => undefined);
      return attempt;
    });
  }

  stop(): void {
    clearTimeout(this.#deadline);
    this.#search.signal?.removeEventListener('abort', this.#onAbort);
    for (const { controller } of this.#entries) if (controller !== this.#winner) controller.abort();
  }

  #patience(signal: AbortSignal): Promise<void> {
    return delay(this.#search.staggerMs ?? STAGGER_MS, undefined, { signal });
  }

  async #attempt(candidate: Candidate, controller: AbortController): Promise<FoundReceiver<Session>> {
    throwIfAborted(controller.signal);
    const link = await this.#search.open(candidate, controller.signal);
    const session = await this.#shakeHands(link, controller);
    if (session === undefined || controller.signal.aborted) {
      discard(link);
      throw new Silence();
    }
    this.#winner = controller;
    this.stop();
    const rank = this.#entries.findIndex(entry => entry.controller === controller);
    return { link, session, passedOver: this.#entries.slice(0, rank).map(entry => entry.candidate) };
  }

  async #shakeHands(link: Link, controller: AbortController): Promise<Session | undefined> {
    if (controller.signal.aborted) return undefined;
    const timer = setTimeout(
      () => controller.abort(),
      this.#search.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
    );
    try {
      return await this.#search.handshake(link, controller.signal);
    } catch (error) {
      if (controller.signal.aborted) return undefined;
      discard(link);
      throw new Unusable(error);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The link opened and nobody answered. */
class Silence extends Error {}

/** Somebody answered, and can't be worked with. */
class Unusable extends Error {
  readonly reason: unknown;

  constructor(reason: unknown) {
    super('unusable');
    this.reason = reason;
  }
}

/** A stream thrown away may still report its end as an error, which concerns nobody. */
function discard(link: Link): void {
  link.stream.on('error', () => undefined);
  link.stream.destroy();
}

function failure<Session>(
  search: ReceiverSearch<Session>,
  candidates: readonly Candidate[],
  errors: readonly unknown[],
): unknown {
  const unusable = errors.find(error => error instanceof Unusable);
  if (unusable) return unusable.reason;
  const nothingOpened = errors.every(error => !(error instanceof Silence) && !isAborted(error));
  if (nothingOpened) return errors[0];
  const attempts = candidates.map((candidate, index) => attemptOf(candidate, errors[index]));
  return noReceiver(search, search.named ? attempts : [...attempts, ...closedChannels(search)]);
}

function attemptOf(candidate: Candidate, error: unknown): Attempt {
  const { device, label } = candidate;
  if (isLinkError(error) && error.code === 'busy')
    return { device, label, outcome: 'in use by another program' };
  if (!(error instanceof Silence)) return { device, label, outcome: "it couldn't be opened" };
  return { device, label, outcome: candidate.use === 'closed-in-guest' ? candidate.reason : '' };
}

/** Not tried, but the very thing that is missing: our channel, which nobody in the guest has open. */
function closedChannels<Session>(search: ReceiverSearch<Session>): Attempt[] {
  const closed = search.candidates.filter(candidate => candidate.use === 'closed-in-guest');
  return closed.map(({ device, label, reason }) => ({ device, label, outcome: reason }));
}

function noReceiver<Session>(search: ReceiverSearch<Session>, attempts: readonly Attempt[]): LinkError {
  const links = attempts.map(({ label, outcome }) => (outcome === '' ? label : `${label} (${outcome})`));
  const place = search.domainName === undefined ? 'on' : `in domain "${search.domainName}" on its`;
  const message =
    `No receiver answered ${place} ${joinWords(links)}: ` +
    `start one in the guest with "${receiverCommand(search.osFamily)}" and try again.`;
  return new LinkError('no-receiver', message, { attempts });
}

function noLink<Session>(search: ReceiverSearch<Session>): LinkError {
  const closed = closedChannels(search);
  if (closed.length > 0) return noReceiver(search, closed);
  const available = search.candidates.filter(one => one.use !== 'unusable').map(one => one.device);
  const hint =
    available.length > 0
      ? `if a receiver runs on one of these, name it: ${available.join(', ')}`
      : `add a second serial port or a virtio channel "${CHANNEL_NAME}" to it`;
  const message = `Domain "${search.domainName}" has no link that is safe to try unasked: ${hint}.`;
  return new LinkError('no-link', message, { available });
}

function receiverCommand(osFamily: OsFamily): string {
  return osFamily === 'windows'
    ? 'powershell -ExecutionPolicy Bypass -File receiver.ps1'
    : 'python3 receiver.py';
}

function joinWords(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
