/**
 * The ports of one session, and the one place that drives them. Once a transfer is large, further ports of the receiver
 * are opened and joined to the session (PROTOCOL.md §6, `lanes`); from then on a LaneGroup deals the frames out.
 *
 * | a further port is | until | its changes go to |
 * |---|---|---|
 * | unopened | enough has gone over the main port and more is queued | |
 * | opening, knocked at, greeting, joining | `join` is answered `done`; any failure ends it | itself alone |
 * | a lane | it breaks, is silent while another answers, or the session ends | `advance`, with all others |
 * | over | | |
 */
import type { Duplex } from 'node:stream';
import { throwIfAborted } from '../text/abort.ts';
import type { FeatureMode } from '../text/featureMode.ts';
import { ProtocolError } from './errors.ts';
import { LaneGroup } from './laneGroup.ts';
import { LanePolicy } from './lanePolicy.ts';
import { Pump } from './pump.ts';
import type { Outgoing } from './reliableSender.ts';
import { type FrameSink, Requests } from './requests.ts';
import type { SessionCore } from './sessionCore.ts';
import { canUseLanes, type Welcome } from './welcome.ts';

/** Opens a byte stream to another port of the guest. */
export type LaneOpener = (signal: AbortSignal) => Promise<Duplex>;

export interface LaneOptions {
  readonly openers: readonly LaneOpener[];
  readonly mode: FeatureMode;
}

const NO_LANES: LaneOptions = { openers: [], mode: 'off' };
/** Before so much has gone over the link, trying lanes would take longer than they could save. */
const LARGE_TRANSFER_BYTES = 128 * 1_024;
/** Silence after which a further port is left alone: a receiver answers knock and HELLO in some ms each. */
const HANDSHAKE_MS = 5_000;

export class Lanes implements FrameSink {
  readonly #main: Pump;
  readonly #options: LaneOptions;
  readonly #onAdvanced: () => void;
  readonly #aborter = new AbortController();
  /** Beside the main port. */
  #lanes: readonly Pump[] = [];
  /** Once there has been a lane; from then on all frames are numbered by it, even if no lane is left. */
  #group: LaneGroup<SessionCore> | undefined;
  #areOpened = false;
  /** Of lanes that are no more. */
  #pastWireBytes = 0;
  #pastResentFrames = 0;

  /** @param onAdvanced - what could be sent has been; there may be room for more */
  constructor(main: Pump, options: LaneOptions = NO_LANES, onAdvanced: () => void) {
    this.#main = main;
    this.#options = options;
    this.#onAdvanced = onAdvanced;
  }

  get welcome(): Welcome {
    return this.#main.welcome;
  }

  get ended(): ProtocolError | undefined {
    return this.#main.ended;
  }

  /** As much as goes out at once may wait. */
  get hasRoom(): boolean {
    if (!this.#group) return this.#main.hasRoom;
    const queuedBytes = this.#main.core.queuedBytes + this.#group.queuedBytes;
    return queuedBytes < this.welcome.window * this.inUse;
  }

  set hasOpenRequests(areOpen: boolean) {
    this.#main.hasOpenRequests = areOpen;
  }

  /** Ports that frames are given to now. */
  get inUse(): number {
    return this.#group?.lanesInUse ?? 1;
  }

  get wireBytes(): number {
    return this.#lanes.reduce(
      (sum, lane) => sum + lane.wireBytes,
      this.#main.wireBytes + this.#pastWireBytes,
    );
  }

  get resentFrames(): number {
    const past = this.#main.core.resentFrames + this.#pastResentFrames;
    return this.#lanes.reduce((sum, { core }) => sum + core.resentFrames, past);
  }

  enqueue(outgoing: Outgoing): void {
    if (this.#group) {
      // The answer comes by the main port, by whichever lane the question goes.
      this.#main.core.noteSent(performance.now());
      this.#group.enqueue(outgoing);
    } else this.#main.enqueue(outgoing);
  }

  /** Something happened on one of the ports, or was queued: each gets what it has room for and writes it, once. */
  advance(): void {
    const now = performance.now();
    for (const core of this.#group?.silent(now) ?? []) this.#giveUp(core);
    this.#group?.distribute(now);
    for (const lane of this.#lanes) lane.advance();
    this.#main.advance();
    this.#onAdvanced();
    this.#openIfLarge();
  }

  /** Ends all lanes in good order. */
  async close(): Promise<void> {
    this.#aborter.abort();
    await Promise.all(this.#lanes.map(lane => lane.close()));
  }

  /** The main port's session is over. */
  destroy(error: ProtocolError): void {
    this.#aborter.abort();
    for (const lane of this.#lanes) lane.destroy(error);
  }

  #openIfLarge(): void {
    const { core, wireBytes } = this.#main;
    const { openers, mode } = this.#options;
    if (this.#areOpened || openers.length === 0 || core.queuedBytes === 0) return;
    if (mode === 'off' || !canUseLanes(this.welcome)) return;
    if (mode === 'auto' && wireBytes < LARGE_TRANSFER_BYTES) return;
    this.#areOpened = true;
    for (const opener of openers) void this.#open(opener).catch(() => undefined);
  }

  /** A port that can't be opened is one lane less, which isn't worth a message. */
  async #open(opener: LaneOpener): Promise<void> {
    const { signal } = this.#aborter;
    const stream = await opener(signal);
    // The pump takes care of errors while it greets; before and after that they concern nobody.
    stream.on('error', () => undefined);
    const { pump, requests } = this.#newPort(stream);
    await pump.greet({ signal, timeoutMs: HANDSHAKE_MS });
    try {
      if (!canUseLanes(pump.welcome))
        throw new ProtocolError('closed', 'no serial port of a receiver with lanes');
      await requests.request('join', { session: this.welcome.session.toString(16).padStart(8, '0') });
      throwIfAborted(signal);
    } catch (error) {
      await pump.close();
      throw error;
    }
    this.#add(pump);
  }

  /** Drives itself until it is a lane. */
  #newPort(stream: Duplex): { pump: Pump; requests: Requests } {
    const pump: Pump = new Pump(stream, {
      onChange: () => (this.#lanes.includes(pump) ? this.advance() : pump.advance()),
      onMessage: (id, message) => requests.onMessage(id, message),
      onData: () => undefined,
      onEnd: error => {
        requests.onEnd(error);
        this.#onLaneEnd(pump);
      },
    });
    const requests = new Requests(pump);
    return { pump, requests };
  }

  #add(lane: Pump): void {
    if (lane.ended) return;
    this.#lanes = [...this.#lanes, lane];
    this.#group ??= new LaneGroup(this.#main.core, new LanePolicy(this.#options.mode));
    this.#group.add(lane.core);
    this.advance();
  }

  #onLaneEnd(lane: Pump): void {
    if (!this.#lanes.includes(lane)) return;
    this.#lanes = this.#lanes.filter(one => one !== lane);
    this.#pastWireBytes += lane.wireBytes;
    this.#pastResentFrames += lane.core.resentFrames;
    this.#group?.remove(lane.core);
    if (!this.#aborter.signal.aborted) this.advance();
  }

  #giveUp(core: SessionCore): void {
    const lane = this.#lanes.find(one => one.core === core);
    lane?.destroy(new ProtocolError('lost', 'the port stopped answering'));
  }
}
