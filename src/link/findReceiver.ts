import { setTimeout as delay } from 'node:timers/promises';
import { isAborted, throwIfAborted } from '../text/abort.ts';
import type { Occupant } from '../text/prompts.ts';
import type { Candidate } from './candidate.ts';
import { isAutomatic } from './candidates.ts';
import { type Attempt, isLinkError, LinkError } from './errors.ts';
import type { Link, LinkDescription, OsFamily } from './link.ts';

/** Who is behind a link; undefined if nobody answers. */
export type Greeting<Session> = { readonly session: Session } | { readonly occupant: Occupant } | undefined;

/**
 * Talks to whatever is behind the link. A rejection says that a receiver did answer and can't be used (another protocol
 * version); it is kept for the caller. Unless there's a session, the stream is destroyed, or being ended in order: what
 * was written must reach the line, for it may be what takes back the rest.
 */
export type SessionOpener<Session> = (link: Link, signal: AbortSignal) => Promise<Greeting<Session>>;

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
  /** Better links that did not answer: busy, somebody else's, or nobody there. */
  readonly passedOver: readonly LinkDescription[];
}

const TOTAL_TIMEOUT_MS = 8000;
/**
 * Six knocks or HELLOs in all: noise on the line may swallow the first of each, and a guest without KVM may be slow to
 * answer both.
 */
const HANDSHAKE_TIMEOUT_MS = 5000;
/**
 * A receiver answers in some ms; a second knock or HELLO goes out before 900 ms, for which a better link deserves to be
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
    const greeting = await this.#shakeHands(link, controller);
    if (greeting && 'occupant' in greeting) throw new Occupied(greeting.occupant);
    if (!greeting || controller.signal.aborted) {
      discard(link);
      throw new Silence();
    }
    const { session } = greeting;
    this.#winner = controller;
    this.stop();
    const rank = this.#entries.findIndex(entry => entry.controller === controller);
    return { link, session, passedOver: this.#entries.slice(0, rank).map(entry => entry.candidate) };
  }

  async #shakeHands(link: Link, controller: AbortController): Promise<Greeting<Session>> {
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

/** The link is somebody else's. */
class Occupied extends Error {
  readonly occupant: Occupant;

  constructor(occupant: Occupant) {
    super(occupant);
    this.occupant = occupant;
  }
}

/** Somebody answered, and can't be worked with. */
class Unusable extends Error {
  readonly reason: unknown;

  constructor(reason: unknown) {
    super('unusable');
    this.reason = reason;
  }
}

/** A stream thrown away may still report its end as an error, which concerns nobody. One that is ending goes by itself. */
function discard({ stream }: Link): void {
  stream.on('error', () => undefined);
  if (!stream.writableEnded) stream.destroy();
}

function failure<Session>(
  search: ReceiverSearch<Session>,
  candidates: readonly Candidate[],
  errors: readonly unknown[],
): unknown {
  const unusable = errors.find(error => error instanceof Unusable);
  if (unusable) return unusable.reason;
  const wasOpened = (error: unknown) => error instanceof Silence || error instanceof Occupied;
  const nothingOpened = errors.every(error => !wasOpened(error) && !isAborted(error));
  if (nothingOpened) return errors[0];
  const attempts = candidates.map((candidate, index) => attemptOf(candidate, errors[index]));
  return noReceiver(search, search.named ? attempts : [...attempts, ...closedChannels(search)]);
}

function attemptOf(candidate: Candidate, error: unknown): Attempt {
  if (isLinkError(error) && error.code === 'busy') return { link: candidate, outcome: 'busy' };
  if (error instanceof Occupied) return { link: candidate, outcome: error.occupant };
  if (!(error instanceof Silence)) return { link: candidate, outcome: 'not-opened' };
  return { link: candidate, outcome: candidate.use === 'closed-in-guest' ? 'closed-in-guest' : 'silent' };
}

/** Not tried, but the very thing that is missing: our channel, which nobody in the guest has open. */
function closedChannels<Session>(search: ReceiverSearch<Session>): Attempt[] {
  const closed = search.candidates.filter(candidate => candidate.use === 'closed-in-guest');
  return closed.map(link => ({ link, outcome: 'closed-in-guest' }));
}

function noReceiver<Session>(search: ReceiverSearch<Session>, attempts: readonly Attempt[]): LinkError {
  const { domainName: domain, osFamily } = search;
  const tried = attempts.map(({ link, outcome }) => `${link.device}: ${outcome}`).join(', ');
  return new LinkError('no-receiver', `no receiver answered (${tried})`, { domain, osFamily, attempts });
}

function noLink<Session>(search: ReceiverSearch<Session>): LinkError {
  const closed = closedChannels(search);
  if (closed.length > 0) return noReceiver(search, closed);
  const available = search.candidates.filter(one => one.use !== 'unusable').map(one => one.device);
  const { domainName: domain } = search;
  return new LinkError('no-link', `${domain} has no link that is safe to try unasked`, { domain, available });
}
