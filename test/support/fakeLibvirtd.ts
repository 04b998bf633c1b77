/**
 * FAKE of libvirt's daemon, for what the real one can't be made to do: fall silent, answer nonsense, hang up in
 * the handshake. It speaks over an in-memory pair of streams, and reads and writes packets with its own few
 * lines rather than the client's, so that a mistake there doesn't cancel itself out.
 */
import { type Duplex, duplexPair } from 'node:stream';
import { type Dialer, duplexTransport } from 'libvirt';

export const REMOTE = 0x20008086;
export const KEEPALIVE = 0x6b656570;
export const TYPE = { call: 0, reply: 1, event: 2, stream: 3 } as const;
export const STATUS = { ok: 0, error: 1, continue: 2 } as const;

export interface FakePacket {
  readonly program: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly status: number;
  readonly payload: Buffer;
}

/** XDR values joined: a number is a 4-byte integer, a string is counted and padded, a Buffer goes in as it is. */
export function xdr(...values: ReadonlyArray<number | string | Buffer>): Buffer {
  return Buffer.concat(
    values.map(value => {
      if (Buffer.isBuffer(value)) return value;
      if (typeof value === 'number') return words(value);
      const text = Buffer.from(value);
      return Buffer.concat([words(text.length), text, Buffer.alloc((4 - (text.length % 4)) % 4)]);
    }),
  );
}

export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value >>> 0, 4 * index);
  });
  return bytes;
}

export function packetBytes(packet: Omit<FakePacket, 'payload'> & { readonly payload?: Buffer }): Buffer {
  const { program, procedure, type, serial, status, payload = Buffer.alloc(0) } = packet;
  return Buffer.concat([words(28 + payload.length, program, 1, procedure, type, serial, status), payload]);
}

/** remote_error with a message, and nothing in the optional rest. */
export function errorPayload(code: number, domain: number, message: string): Buffer {
  return xdr(code, domain, 1, message, 2, 0, 0, 0, 0, -1, -1, 0);
}

const domainUuid = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
export const demoDomain = { name: 'demo', uuid: '00112233-4455-6677-8899-aabbccddeeff', id: 7 } as const;
export const demoDomainXdr = xdr('demo', domainUuid, 7);

export type Answer = (peer: FakePeer, call: FakePacket) => void;
const ok =
  (payload: Buffer = Buffer.alloc(0)): Answer =>
  (peer, call) =>
    peer.reply(call, payload);

/** What a well-behaved daemon with one domain answers, by procedure number. */
const ordinary: ReadonlyMap<number, Answer> = new Map([
  [1, ok()], // OPEN
  [2, ok()], // CLOSE
  [23, ok(demoDomainXdr)], // LOOKUP_BY_NAME
  [59, ok(xdr('fake-host'))], // GET_HOSTNAME
  [60, ok(words(1))], // SUPPORTS_FEATURE: yes
  [66, ok(words(1, 0))], // AUTH_LIST: [none]
  [201, ok()], // OPEN_CONSOLE
  [212, ok(words(1, 1))], // GET_STATE: running, booted
  [273, ok(xdr(1, demoDomainXdr, 1))], // LIST_ALL_DOMAINS
  [296, ok()], // OPEN_CHANNEL
  [316, ok(words(0))], // EVENT_CALLBACK_REGISTER_ANY: callback 0
]);

export class FakeLibvirtd {
  /** One for each connection, in the order they were made. */
  readonly peers: FakePeer[] = [];
  readonly #answers: Map<number, Answer>;
  readonly #options: { readonly readOnly?: boolean; readonly answersPings?: boolean };

  constructor(
    answers: Iterable<[number, Answer]> = [],
    options: { readonly readOnly?: boolean; readonly answersPings?: boolean } = {},
  ) {
    this.#answers = new Map([...ordinary, ...answers]);
    this.#options = options;
  }

  readonly dial: Dialer = async () => {
    const [client, server] = duplexPair();
    this.peers.push(new FakePeer(server, this.#answers, this.#options.answersPings ?? true));
    return duplexTransport(client, this.#options.readOnly ?? false);
  };

  peer(index: number): FakePeer {
    const peer = this.peers[index];
    if (peer === undefined) throw new Error(`the client made only ${this.peers.length} connections`);
    return peer;
  }
}

export class FakePeer {
  readonly received: FakePacket[] = [];
  ended = false;
  readonly #socket: Duplex;
  readonly #answers: ReadonlyMap<number, Answer>;
  readonly #answersPings: boolean;
  #buffered = Buffer.alloc(0);

  constructor(socket: Duplex, answers: ReadonlyMap<number, Answer>, answersPings: boolean) {
    this.#socket = socket;
    this.#answers = answers;
    this.#answersPings = answersPings;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', () => {});
    for (const event of ['end', 'close']) socket.on(event, () => this.#onEnd());
  }

  raw(bytes: Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }

  send(packet: Omit<FakePacket, 'payload'> & { readonly payload?: Buffer }): void {
    this.raw(packetBytes(packet));
  }

  reply(call: FakePacket, payload: Buffer): void {
    this.send({ ...call, type: TYPE.reply, status: STATUS.ok, payload });
  }

  fail(call: FakePacket, code: number, domain: number, message: string): void {
    const payload = errorPayload(code, domain, message);
    this.send({ ...call, type: TYPE.reply, status: STATUS.error, payload });
  }

  /** A packet of the stream that `call` opened; CONTINUE without payload is its end. */
  stream(call: FakePacket, status: number, payload: Buffer = Buffer.alloc(0)): void {
    this.send({ ...call, type: TYPE.stream, status, payload });
  }

  /** As the daemon does while the guest doesn't read. */
  stopReading(): void {
    this.#socket.pause();
  }

  startReading(): void {
    this.#socket.resume();
  }

  hangUp(): void {
    this.#socket.destroy();
  }

  calls(procedure: number): FakePacket[] {
    return this.received.filter(packet => packet.procedure === procedure && packet.type === TYPE.call);
  }

  streamPackets(status: number): FakePacket[] {
    return this.received.filter(packet => packet.type === TYPE.stream && packet.status === status);
  }

  streamBytes(): Buffer {
    return Buffer.concat(this.streamPackets(STATUS.continue).map(({ payload }) => payload));
  }

  #take(chunk: Buffer): void {
    this.#buffered = Buffer.concat([this.#buffered, chunk]);
    while (this.#buffered.length >= 28 && this.#buffered.length >= this.#buffered.readUInt32BE(0)) {
      const length = this.#buffered.readUInt32BE(0);
      const bytes = this.#buffered.subarray(0, length);
      this.#buffered = this.#buffered.subarray(length);
      this.#onPacket({
        program: bytes.readUInt32BE(4),
        procedure: bytes.readUInt32BE(12),
        type: bytes.readUInt32BE(16),
        serial: bytes.readUInt32BE(20),
        status: bytes.readUInt32BE(24),
        payload: Buffer.from(bytes.subarray(28)),
      });
    }
  }

  #onPacket(packet: FakePacket): void {
    this.received.push(packet);
    if (packet.program === KEEPALIVE) {
      if (packet.procedure === 1 && this.#answersPings) this.send({ ...packet, procedure: 2 });
    } else if (packet.type === TYPE.call) {
      const answer = this.#answers.get(packet.procedure);
      if (answer === undefined) this.fail(packet, 3, 7, `fake: procedure ${packet.procedure}`);
      else answer(this, packet);
    }
  }

  #onEnd(): void {
    this.ended = true;
    // The other end of a pair closes only half of it; a socket's peer sees both go.
    this.#socket.destroy();
  }
}
