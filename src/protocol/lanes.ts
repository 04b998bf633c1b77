/**
 * The pump of a lane group: opens further ports of the receiver behind a session once a transfer is large, joins them
 * (PROTOCOL.md §6), and passes what happens on any of them to the group.
 */
import type { Duplex } from 'node:stream';
import { throwIfAborted } from '../text/abort.ts';
import { ProtocolError } from './errors.ts';
import { LaneGroup } from './laneGroup.ts';
import { type LaneMode, LanePolicy } from './lanePolicy.ts';
import type { Outgoing } from './reliableSender.ts';
import type { OpenOptions, Session } from './session.ts';
import type { SessionCore } from './sessionCore.ts';

/** Opens a byte stream to another port of the guest. */
export type LaneOpener = (signal: AbortSignal) => Promise<Duplex>;

/** A session's inside, as far as lanes need it. */
export interface LaneEnd {
  readonly core: SessionCore;
  /** Writes what can be written and sets the clock. */
  pump(): void;
}

export interface LaneOptions {
  readonly openers: readonly LaneOpener[];
  readonly mode: LaneMode;
}

/** Before so much has gone over the link, trying lanes would take longer than they could save. */
const LARGE_TRANSFER_BYTES = 128 * 1_024;
/** Silence after which a further port is left alone: whoever answers does so in some ms. */
const HANDSHAKE_MS = 4_000;

interface Lane {
  readonly session: Session;
  readonly end: LaneEnd;
}

export class Lanes {
  readonly #main: Lane;
  readonly #options: LaneOptions;
  readonly #openSession: (stream: Duplex, options: OpenOptions) => Promise<Session>;
  readonly #aborter = new AbortController();
  #lanes: Lane[] = [];
  #group: LaneGroup<SessionCore> | undefined;
  #isOpened = false;
  /** Of lanes that are no more. */
  #pastWireBytes = 0;
  #pastResentFrames = 0;

  constructor(
    main: Lane,
    options: LaneOptions,
    openSession: (stream: Duplex, options: OpenOptions) => Promise<Session>,
  ) {
    this.#main = main;
    this.#options = options;
    this.#openSession = openSession;
  }

  /** Whether frames of the main session are to be sent by way of the group. */
  get isBegun(): boolean {
    return this.#group !== undefined;
  }

  get inUse(): number {
    return this.#group?.lanesInUse ?? 1;
  }

  get queuedBytes(): number {
    return this.#group?.queuedBytes ?? 0;
  }

  get wireBytes(): number {
    return this.#lanes.reduce((sum, { session }) => sum + session.wireBytes, this.#pastWireBytes);
  }

  get resentFrames(): number {
    return this.#lanes.reduce((sum, { session }) => sum + session.resentFrames, this.#pastResentFrames);
  }

  send(outgoing: Outgoing): void {
    this.#group?.enqueue(outgoing);
  }

  /** Something happened on one of the ports. */
  readonly advance = (): void => {
    const now = performance.now();
    for (const core of this.#group?.silent(now) ?? []) this.#giveUp(core);
    this.#group?.distribute(now);
    for (const { end } of this.#lanes) end.pump();
    this.#main.end.pump();
    this.#openIfLarge();
  };

  /** Ends all lanes in good order. */
  async close(): Promise<void> {
    this.#aborter.abort();
    await Promise.all(this.#lanes.map(({ session }) => session.close()));
  }

  /** The main session is over. */
  destroy(error: ProtocolError): void {
    this.#aborter.abort();
    for (const { session } of [...this.#lanes]) session.destroy(error);
  }

  #openIfLarge(): void {
    const { session, end } = this.#main;
    const isLarge = this.#options.mode === 'on' || session.wireBytes >= LARGE_TRANSFER_BYTES;
    if (this.#isOpened || !isLarge || end.core.queuedBytes === 0) return;
    this.#isOpened = true;
    for (const opener of this.#options.openers) void this.#open(opener).catch(() => undefined);
  }

  /** A port that cannot be had is one lane less, and nothing anybody need hear of. */
  async #open(opener: LaneOpener): Promise<void> {
    const { signal } = this.#aborter;
    const stream = await opener(signal);
    // Whoever greets takes care of errors; until then they concern nobody.
    stream.on('error', () => undefined);
    const session = await this.#openSession(stream, { signal, timeoutMs: HANDSHAKE_MS });
    try {
      const { session: number } = this.#main.session.welcome;
      if (!isLaneable(session)) throw new ProtocolError('closed', 'no serial port of a receiver with lanes');
      await session.request('join', { session: number.toString(16).padStart(8, '0') });
      throwIfAborted(signal);
    } catch (error) {
      await session.close();
      throw error;
    }
    this.#add(session);
  }

  #add(session: Session): void {
    if (session.ended) return;
    const end = session.attach({ onChange: this.advance, onEnd: () => this.#onLaneEnd(session) });
    this.#lanes.push({ session, end });
    this.#group ??= new LaneGroup(this.#main.end.core, new LanePolicy(this.#options.mode));
    this.#group.add(end.core);
    this.advance();
  }

  #onLaneEnd(session: Session): void {
    const lane = this.#lanes.find(one => one.session === session);
    if (!lane) return;
    this.#lanes = this.#lanes.filter(one => one !== lane);
    this.#pastWireBytes += session.wireBytes;
    this.#pastResentFrames += session.resentFrames;
    this.#group?.remove(lane.end.core);
    if (!this.#aborter.signal.aborted) this.advance();
  }

  #giveUp(core: SessionCore): void {
    const lane = this.#lanes.find(({ end }) => end.core === core);
    lane?.session.destroy(new ProtocolError('lost', 'the port stopped answering'));
  }
}

/** Only what wakes the guest for every few bytes gains by company. */
export function isLaneable({ welcome }: Session): boolean {
  return welcome.device === 'uart' && welcome.capabilities.has('lanes');
}
