/**
 * Whether the receiver is still there, PROTOCOL.md §3.5 and §4 (Probe): when to ask by a PING, and when silence means
 * that it's lost. Pure: the time is handed in.
 *
 * | what is owed | PING | lost |
 * |---|---|---|
 * | nothing | after 10 s of silence, to say that the host is there | never |
 * | answers to requests, or to a PING | after 1 s of silence, then every 1 s | after 8 s |
 * | acknowledgements | also 600 ms after the last progress, then every 600 ms | after 8 s |
 *
 * Silence counts from the last valid frame, or from the moment at which something came to be owed: a receiver that had
 * nothing to say for an hour hasn't been silent for an hour when a request is sent.
 */
import { IDLE_PING_MS, LOST_MS, PROBE_MS, QUERY_MS } from './constants.ts';

export class Liveness {
  /** Answers to them are owed. */
  hasOpenRequests = false;
  /** Whether acknowledgements are owed: frames are under way. */
  readonly #isInFlight: () => boolean;
  #silentSince: number;
  #lastProgressAt: number;
  #lastPingAt = Number.NEGATIVE_INFINITY;
  /** PINGs since the last valid frame: once asked, an idle peer must answer too. */
  #unansweredPings = 0;

  constructor(now: number, isInFlight: () => boolean) {
    this.#silentSince = now;
    this.#lastProgressAt = now;
    this.#isInFlight = isInFlight;
  }

  /** How long the receiver has owed us a word; undefined where it owes none. */
  silentMs(now: number): number | undefined {
    return this.#isAnswerOwed ? now - this.#silentSince : undefined;
  }

  get lostAt(): number {
    return this.#isAnswerOwed ? this.#silentSince + LOST_MS : Number.POSITIVE_INFINITY;
  }

  /** Never sooner after the last PING than §1 allows: a reader may need 400 ms to give up half a frame. */
  get nextPingAt(): number {
    const probe = this.#isInFlight()
      ? Math.max(this.#lastProgressAt, this.#lastPingAt) + PROBE_MS
      : Number.POSITIVE_INFINITY;
    const pause = this.#isAnswerOwed ? QUERY_MS : IDLE_PING_MS;
    return Math.min(probe, Math.max(this.#silentSince, this.#lastPingAt) + pause);
  }

  /** Something is about to be sent that will be answered. Before it is, so that what is owed already keeps its clock. */
  noteSent(now: number): void {
    if (!this.#isAnswerOwed) this.#silentSince = now;
  }

  notePing(now: number): void {
    this.noteSent(now);
    this.#lastPingAt = now;
    this.#unansweredPings += 1;
  }

  /** A valid frame has come. */
  noteHeard(now: number): void {
    this.#silentSince = now;
    this.#unansweredPings = 0;
  }

  /** An acknowledgement has moved on, or the first frame after a pause is being sent. */
  noteProgress(now: number): void {
    this.#lastProgressAt = now;
  }

  get #isAnswerOwed(): boolean {
    return this.hasOpenRequests || this.#unansweredPings > 0 || this.#isInFlight();
  }
}
