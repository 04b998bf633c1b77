/**
 * When to ping and what silence means. Pure: told the time, it answers; the connection does the rest.
 * Any packet shows that the daemon lives; only a pong shows that it has read all we sent before the ping.
 *
 * | a ping is | silence | verdict |
 * |---|---|---|
 * | not open | shorter than `intervalMs` since the last pong | quiet |
 * | not open | longer | ping |
 * | open for less than `intervalMs` | | quiet |
 * | open for longer | shorter than `deadMs` | late: it reads nothing, but may well live |
 * | open | `deadMs` and more without a packet | dead |
 */
export interface KeepaliveTimes {
  /** From one answered ping to the next, and how long an answer may take before it counts as late. */
  readonly intervalMs: number;
  /** How long nothing at all may come while a ping is open. */
  readonly deadMs: number;
}

export type KeepaliveVerdict = 'quiet' | 'ping' | 'late' | 'dead';

export class Keepalive {
  readonly #times: KeepaliveTimes;
  #answeredAt: number;
  #heardAt: number;
  #pingedAt: number | undefined;

  constructor(times: KeepaliveTimes, now: number) {
    this.#times = times;
    this.#answeredAt = now;
    this.#heardAt = now;
  }

  onPacket(now: number): void {
    this.#heardAt = now;
  }

  onPong(now: number): void {
    this.#answeredAt = now;
    this.#pingedAt = undefined;
  }

  tick(now: number): KeepaliveVerdict {
    if (this.#pingedAt === undefined) {
      if (now - this.#answeredAt < this.#times.intervalMs) return 'quiet';
      this.#pingedAt = now;
      return 'ping';
    }
    // Silence counts from the ping at the earliest: a host that slept for an hour has not lost its daemon.
    if (now - Math.max(this.#pingedAt, this.#heardAt) >= this.#times.deadMs) return 'dead';
    return now - this.#pingedAt >= this.#times.intervalMs ? 'late' : 'quiet';
  }

  /** Our own reading was held back: what we did not hear says nothing about the daemon. */
  excuse(now: number): void {
    this.#answeredAt = now;
    this.#heardAt = now;
    this.#pingedAt = undefined;
  }
}
