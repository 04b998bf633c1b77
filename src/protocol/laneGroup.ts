/**
 * PROTOCOL.md §6, `lanes`, without input, output or a clock: numbers the frames of the main session, deals them out to
 * whichever lane brings them over first, and deals out again what a lost lane has not had acknowledged.
 *
 * | a frame is | where it stands | becomes |
 * |---|---|---|
 * | queued | `#queue`, `#unreleased` | given, when the lane that would bring it over soonest has room |
 * | given | `lane.unacknowledged`, `#unreleased` | acknowledged, or queued again if its lane is lost |
 * | acknowledged | `#unreleased` | released when all before it are: callers give memory back in order |
 *
 * A lane is only ever added and removed; the main session's port is the first and stays. If it is lost the session is.
 */
import { FrameType, LANE_ANSWER_MS, LANE_HEAD_BYTES, LANE_LOST_MS } from './constants.ts';
import { frameBytes } from './frame.ts';
import type { LanePolicy } from './lanePolicy.ts';
import { LaneRate } from './laneRate.ts';
import type { Outgoing } from './reliableSender.ts';

/** What of a SessionCore the group needs. */
export interface LaneCore {
  /** Bytes of frames that it would send at once. */
  readonly room: number;
  /** Nothing queued and nothing unacknowledged. */
  readonly isIdle: boolean;
  /** How long it has been waiting for a word; undefined if it isn't waiting for one. */
  silentMs(now: number): number | undefined;
  send(outgoing: Outgoing, now: number): void;
}

interface LaneFrame {
  readonly number: number;
  readonly outgoing: Outgoing;
  readonly wireBytes: number;
  isAcknowledged: boolean;
  /** Given to a lane that was lost. */
  isSentAgain: boolean;
}

class Lane<Core> {
  readonly core: Core;
  readonly rate = new LaneRate();
  readonly unacknowledged = new Set<LaneFrame>();
  /** Of those. */
  bytes = 0;

  constructor(core: Core) {
    this.core = core;
  }
}

export class LaneGroup<Core extends LaneCore> {
  /** Bytes of frames that no lane has been given yet. */
  queuedBytes = 0;
  readonly #policy: LanePolicy;
  /** The main session's port is the first. */
  readonly #lanes: Lane<Core>[];
  /** Frames for the lanes that have room, in the order of their numbers. */
  #queue: LaneFrame[] = [];
  /** All that is not yet acknowledged, or stands behind such; memory is given back in the order it was handed in. */
  readonly #unreleased: LaneFrame[] = [];
  #nextNumber = 0;
  #acknowledgedBytes = 0;

  constructor(main: Core, policy: LanePolicy) {
    this.#policy = policy;
    this.#lanes = [new Lane(main)];
  }

  /** Lanes that frames are given to now, the main session's port included. */
  get lanesInUse(): number {
    return this.#policy.isWide ? this.#lanes.length : 1;
  }

  add(core: Core): void {
    this.#lanes.push(new Lane(core));
  }

  /** The lane is lost: what may not have arrived goes over the others. */
  remove(core: Core): void {
    const index = this.#lanes.findIndex(lane => lane.core === core);
    const [lane] = index > 0 ? this.#lanes.splice(index, 1) : [];
    if (!lane) return;
    for (const entry of lane.unacknowledged) {
      entry.isSentAgain = true;
      this.queuedBytes += entry.wireBytes;
    }
    this.#queue = [...lane.unacknowledged, ...this.#queue].sort((a, b) => a.number - b.number);
    lane.unacknowledged.clear();
  }

  enqueue(outgoing: Outgoing): void {
    const payloadBytes = outgoing.pieces.reduce((sum, piece) => sum + piece.length, LANE_HEAD_BYTES);
    const wireBytes = frameBytes(payloadBytes);
    const entry = {
      number: this.#nextNumber++,
      outgoing,
      wireBytes,
      isAcknowledged: false,
      isSentAgain: false,
    };
    this.#queue.push(entry);
    this.#unreleased.push(entry);
    this.queuedBytes += wireBytes;
  }

  /** Gives the lanes what they have room for. */
  distribute(now: number): void {
    this.#policy.observe(this.#acknowledgedBytes, now);
    this.#acknowledgedBytes = 0;
    for (const lane of this.#lanes) lane.rate.observe(lane.bytes > 0, now);
    for (let entry = this.#queue[0]; entry; entry = this.#queue[0]) {
      const lane = this.#laneFor(entry);
      if (!lane) break;
      this.#queue.shift();
      this.#give(lane, entry, now);
    }
    this.#policy.isBacklogged = this.#queue.length > 0;
  }

  /** Lanes that say nothing while another one answers: waiting for them would hold up all. */
  silent(now: number): Core[] {
    const silences = this.#lanes.map(({ core }) => core.silentMs(now));
    const oneAnswers = silences.some(ms => ms !== undefined && ms < LANE_ANSWER_MS);
    const lost = this.#lanes.filter((_, index) => index > 0 && (silences[index] ?? 0) >= LANE_LOST_MS);
    return oneAnswers ? lost.map(({ core }) => core) : [];
  }

  #laneFor(entry: LaneFrame): Lane<Core> | undefined {
    // The first comes behind all that the main session has sent by itself.
    if (entry.number === 0) return this.#lanes[0];
    const lanes = this.#lanes.slice(0, this.lanesInUse);
    // What others wait for goes by the first that can.
    if (entry.isSentAgain) return lanes.find(({ core }) => hasRoom(core, entry));
    const soonest = lanes.reduce((one, other) => (isSooner(other, one, entry) ? other : one));
    // A slower lane would hold up all behind it: better to wait for the faster one's next acknowledgement.
    return hasRoom(soonest.core, entry) ? soonest : undefined;
  }

  #give(lane: Lane<Core>, entry: LaneFrame, now: number): void {
    const { type, flags = 0, stream, pieces } = entry.outgoing;
    const head = Buffer.allocUnsafe(LANE_HEAD_BYTES);
    head.writeUInt32BE(entry.number);
    head.writeUInt8(type, 4);
    lane.unacknowledged.add(entry);
    lane.bytes += entry.wireBytes;
    this.queuedBytes -= entry.wireBytes;
    const onAcknowledged = () => this.#onAcknowledged(lane, entry);
    const isDespiteWindow = entry.isSentAgain;
    const frame = { type: FrameType.LANE, flags, stream, pieces: [head, ...pieces] };
    lane.core.send({ ...frame, onAcknowledged, isDespiteWindow }, now);
  }

  #onAcknowledged(lane: Lane<Core>, entry: LaneFrame): void {
    // Of a lost lane nothing counts: its frames are on their way once more.
    if (!lane.unacknowledged.delete(entry)) return;
    lane.bytes -= entry.wireBytes;
    lane.rate.acknowledged(entry.wireBytes);
    entry.isAcknowledged = true;
    this.#acknowledgedBytes += entry.wireBytes;
    while (this.#unreleased[0]?.isAcknowledged) this.#unreleased.shift()?.outgoing.onAcknowledged?.();
  }
}

/** Where the frame would arrive first, behind what is under way there; by equal rates where they are not known yet. */
function isSooner<Core>(one: Lane<Core>, other: Lane<Core>, { wireBytes }: LaneFrame): boolean {
  const rates = [one.rate.bytesPerMs, other.rate.bytesPerMs];
  const [rate = 1, otherRate = 1] = rates.includes(undefined) ? [] : rates;
  return (one.bytes + wireBytes) / rate < (other.bytes + wireBytes) / otherRate;
}

/** One frame may always be under way; see §6 for one that is sent again. */
function hasRoom(core: LaneCore, { wireBytes, isSentAgain }: LaneFrame): boolean {
  return core.room >= wireBytes || (core.isIdle && (core.room > 0 || isSentAgain));
}
