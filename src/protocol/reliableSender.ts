/**
 * The sending half of PROTOCOL.md §4: numbers frames, keeps them until acknowledged, sends again from a proven gap.
 *
 * | a frame is | counted in | becomes |
 * |---|---|---|
 * | queued | `queuedBytes` | under way when the window has room for it, and is then written |
 * | under way | `#flightBytes` | acknowledged by `next`, or queued again by a GAP or a PONG that proves a loss |
 * | acknowledged | | forgotten; its memory is given back |
 *
 * Nothing is sent again by the clock alone: a guest that is slow, not deaf, would get everything twice.
 */
import { FLAG_ASK, MAX_PEER_WINDOW } from './constants.ts';
import { encodeHeader, encodePayload, frameBytes } from './frame.ts';

/** A frame to be delivered. */
export interface Outgoing {
  type: number;
  /** Bits of the type; ASK is the sender's own matter. */
  flags?: number;
  stream: number;
  pieces: readonly Buffer[];
  /** The pieces' memory may be used again. */
  onAcknowledged?: (() => void) | undefined;
  /** Alone under way it may go although the window is 0 (§6, `lanes`). */
  isDespiteWindow?: boolean;
}

interface QueuedFrame {
  type: number;
  flags: number;
  stream: number;
  sequence: number;
  /** Payload pieces and their check, encoded once however often they are sent. */
  encoded: Buffer[];
  payloadBytes: number;
  wireBytes: number;
  onAcknowledged: (() => void) | undefined;
  isDespiteWindow: boolean;
}

export class ReliableSender {
  /** Bytes queued that have not been sent yet; what a producer looks at before it queues more. */
  queuedBytes = 0;
  /** Frames sent more than once so far. */
  resentFrames = 0;
  readonly #session: number;
  #window: number;
  #nextSequence = 0;
  /** Unacknowledged entries in order; the first `#sent` of them are under way. */
  #entries: QueuedFrame[] = [];
  #sent = 0;
  #flightBytes = 0;
  /** Pings that can still prove a loss: id → sequence of the first frame not yet sent before that ping. */
  readonly #probes = new Map<number, number>();

  constructor(session: number, window: number) {
    this.#session = session;
    this.#window = clampWindow(window);
  }

  get inFlight(): boolean {
    return this.#sent > 0;
  }

  /** Nothing queued and nothing unacknowledged. */
  get isIdle(): boolean {
    return this.#entries.length === 0;
  }

  /** Bytes of frames that would be sent at once. */
  get room(): number {
    return this.#window - this.#flightBytes - this.queuedBytes;
  }

  enqueue({ type, flags = 0, stream, pieces, onAcknowledged, isDespiteWindow = false }: Outgoing): void {
    const payloadBytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const wireBytes = frameBytes(payloadBytes);
    const sequence = this.#nextSequence++;
    const encoded = encodePayload(pieces);
    this.#entries.push({
      ...{ type, flags, stream, sequence, encoded, payloadBytes, wireBytes },
      ...{ onAcknowledged, isDespiteWindow },
    });
    this.queuedBytes += wireBytes;
  }

  /** The next frame's buffers if the window has room for it. */
  take(): Buffer[] | undefined {
    const entry = this.#entries[this.#sent];
    if (!entry || !this.#fits(entry)) return undefined;
    this.#sent += 1;
    this.#flightBytes += entry.wireBytes;
    this.queuedBytes -= entry.wireBytes;
    const following = this.#entries[this.#sent];
    // The last one that can go for now asks to be acknowledged, or the reader would wait for a quarter of the window.
    const flags = entry.flags | (following && this.#fits(following) ? 0 : FLAG_ASK);
    return [encodeHeader({ ...entry, flags, session: this.#session }, entry.payloadBytes), ...entry.encoded];
  }

  /** Remembers what had been sent when this PING went out. */
  notePing(id: number): void {
    const first = this.#entries[this.#sent];
    this.#probes.set(id, first ? first.sequence : this.#nextSequence);
  }

  /**
   * The line keeps order, so what was sent before a PING has arrived, or is lost, when its PONG is here.
   *
   * @returns whether `next` moved on.
   */
  onPong(id: number, next: number, window: number): boolean {
    const sentBefore = this.#probes.get(id);
    const moved = this.onAck(next, window, false);
    for (const known of this.#probes.keys()) if (known <= id) this.#probes.delete(known);
    if (sentBefore !== undefined && next < sentBefore) this.#sendAgain(next);
    return moved;
  }

  /** @returns whether `next` moved on. */
  onAck(next: number, window: number, gap: boolean): boolean {
    this.#window = clampWindow(window);
    const acknowledged = next - (this.#entries[0]?.sequence ?? next);
    // More than was sent: nonsense from the peer, to be ignored rather than believed.
    if (acknowledged < 0 || acknowledged > this.#sent) return false;
    for (const entry of this.#entries.splice(0, acknowledged)) {
      this.#flightBytes -= entry.wireBytes;
      entry.onAcknowledged?.();
    }
    this.#sent -= acknowledged;
    if (gap) this.#sendAgain(next);
    return acknowledged > 0;
  }

  /**
   * Everything from `next` on counts as not sent: the reader has dropped whatever came behind the gap. Pings sent before
   * now can prove nothing about what follows.
   */
  #sendAgain(next: number): void {
    if (this.#entries[0]?.sequence !== next) return;
    this.resentFrames += this.#sent;
    this.queuedBytes += this.#flightBytes;
    this.#flightBytes = 0;
    this.#sent = 0;
    this.#probes.clear();
  }

  /** One frame may always be under way, unless the reader has closed its window altogether. */
  #fits(entry: QueuedFrame): boolean {
    if (this.#flightBytes === 0) return this.#window > 0 || entry.isDespiteWindow;
    return this.#flightBytes + entry.wireBytes <= this.#window;
  }
}

/** A guest may announce any window; what it lets us send is also what we keep in memory. */
function clampWindow(window: number): number {
  return Math.min(window, MAX_PEER_WINDOW);
}
