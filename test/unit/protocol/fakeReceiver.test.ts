// The fake receiver runs the vectors that every receiver runs: tests that lean on it would otherwise only show that the
// host agrees with itself.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { FrameType } from '../../../src/protocol/constants.ts';
import { type Frame, FrameParser } from '../../../src/protocol/frame.ts';
import { decodeText, encodeText } from '../../../src/protocol/text.ts';
import { FakeReceiver } from './fakeReceiver.ts';

type Runs = { hex: string; times: number }[];

interface PutVector {
  name: string;
  existing: Runs | null;
  existingMtime: string | null;
  partial: Runs | null;
  put: Record<string, string>;
  accept: Record<string, string>;
  frames: { type: number; flags: number; payload: string }[];
  end: Record<string, string>;
  skipped: string | null;
  code: string | null;
  content: Runs | null;
  left: Runs | null;
}

interface SignatureVector {
  name: string;
  content: Runs;
  block: number | string;
  size: number;
  entries: string;
  sha256: string;
  code: string | null;
}

type Groups = Record<'encodings' | 'zstdEncodings' | 'deltas' | 'resumptions' | 'quickChecks', PutVector[]>;

const vectors = JSON.parse(
  readFileSync(new URL('../../vectors/transfers.json', import.meta.url), 'utf8'),
) as Groups & { signatures: SignatureVector[] };
const groups = ['encodings', 'zstdEncodings', 'deltas', 'resumptions', 'quickChecks'] as const;

const PATH = '/some file.bin';
const STREAM = 1;

const joined = (runs: Runs) =>
  Buffer.concat(runs.map(({ hex, times }) => Buffer.concat(Array(times).fill(Buffer.from(hex, 'hex')))));

/** Sends it what a host would, past windows and acknowledgements, and reads its answers. */
class Bench {
  readonly fake = new FakeReceiver();
  readonly answers: { verb: string; fields: Record<string, string> }[] = [];
  data: Buffer = Buffer.alloc(0);
  readonly #parser = new FrameParser(1 << 20);

  send(type: number, payload: Buffer, flags = 0): void {
    this.fake.act({ type, flags, stream: STREAM, session: 0, sequence: 0, payload });
    for (const buffer of this.fake.takeOutput()) this.#parser.push(buffer, frame => this.#take(frame));
  }

  request(verb: string, fields: Record<string, string | number>): void {
    this.send(FrameType.CONTROL, encodeText(verb, fields));
  }

  #take({ type, payload }: Frame): void {
    if (type === FrameType.DATA) this.data = Buffer.concat([this.data, payload.subarray(8)]);
    const message = type === FrameType.CONTROL ? decodeText(payload) : undefined;
    if (!message) return;
    const fields = [...message.fields].map(([key, value]) => [key, value.toString()]);
    this.answers.push({ verb: message.verb, fields: Object.fromEntries(fields) });
  }
}

function runPut(vector: PutVector): Bench {
  const bench = new Bench();
  const { files, partials, mtimes } = bench.fake;
  if (vector.existing) files.set(PATH, joined(vector.existing));
  if (vector.partial) partials.set(PATH, joined(vector.partial));
  if (vector.existingMtime) mtimes.set(PATH, vector.existingMtime);
  bench.request('put', { path: PATH, ...vector.put });
  for (const { type, flags, payload } of vector.frames) bench.send(type, Buffer.from(payload, 'hex'), flags);
  const { verb = '', ...fields } = vector.end;
  bench.request(verb, fields);
  return bench;
}

function checkPut({ fake, answers }: Bench, vector: PutVector): void {
  const last = answers.at(-1);
  assert.equal(last?.verb, vector.code ? 'error' : 'done');
  assert.equal(last?.fields.code ?? null, vector.code);
  assert.equal(last?.fields.skipped ?? null, vector.skipped);
  const accepted = answers.length > 1 ? answers[0] : undefined;
  if (accepted) {
    const { path: _, kind: __, ...rest } = accepted.fields;
    assert.deepEqual({ verb: accepted.verb, ...rest }, { verb: 'accept', ...vector.accept });
  }
  assert.ok(answers.length <= 2);
  assert.deepEqual(fake.files.get(PATH), vector.content ? joined(vector.content) : undefined);
  assert.deepEqual(fake.partials.get(PATH), vector.left ? joined(vector.left) : undefined);
}

describe('FakeReceiver', () => {
  for (const group of groups) {
    describe(`runs the vectors of ${group}`, () => {
      for (const vector of vectors[group]) it(vector.name, () => checkPut(runPut(vector), vector));
    });
  }

  describe('runs the vectors of signatures', () => {
    for (const { name, content, block, size, entries, sha256, code } of vectors.signatures) {
      it(name, () => {
        const bench = new Bench();
        bench.fake.files.set(PATH, joined(content));
        bench.request('signature', { path: PATH, ...(block !== '' && { block }) });
        const fields = bench.answers.at(-1)?.fields ?? {};
        assert.equal(fields.code ?? null, code);
        if (code) return;
        const [accepted] = bench.answers;
        assert.deepEqual(accepted, {
          verb: 'accept',
          fields: { path: PATH, size: String(size), block: String(block) },
        });
        assert.deepEqual([fields.size, fields.sha256], [String(size), sha256]);
        assert.equal(bench.data.toString('hex'), entries);
      });
    }
  });
});
