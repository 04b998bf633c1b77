// The same vectors that every receiver runs: test/vectors/*.json, made by test/vectors/generate.py.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { encodeFrame, type Frame, FrameParser } from '../../../src/protocol/frame.ts';
import { encodeKnock } from '../../../src/protocol/knock.ts';
import { decodeText, encodeText } from '../../../src/protocol/text.ts';
import { randomChunks, seededRandom } from '../../support/random.ts';

interface FrameVector {
  name: string;
  type: number;
  flags: number;
  stream: number;
  session: number;
  sequence: number;
  payload: string;
  hex: string;
}

/** What isn't a frame is the knock, which a host writes as it is. */
type TraceStep =
  | ({ kind: 'frame' } & FrameVector)
  | { kind: 'knock'; name: string; nonce: number; hex: string };

interface StreamVector {
  name: string;
  limit: number;
  input: Array<{ hex: string } | { idle: true }>;
  frames: Array<Omit<FrameVector, 'name' | 'hex'>>;
  dropped: number;
  kept: number;
}

interface TextVector {
  name: string;
  hex: string;
  verb: string;
  fields: Array<[string, string]>;
  canonical: boolean;
}

const bytes = (hex: string) => Buffer.from(hex, 'hex');

function load<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(`../../vectors/${file}`, import.meta.url), 'utf8')) as T;
}

function fieldsOf({ type, flags, stream, session, sequence, payload }: Omit<FrameVector, 'name' | 'hex'>) {
  return { type, flags, stream, session, sequence, payload };
}

describe('frames of test/vectors', () => {
  const trace = load<{ steps: TraceStep[] }>('trace.json').steps;
  const frames = {
    'frames.json': load<{ frames: FrameVector[] }>('frames.json').frames,
    'trace.json': trace.filter(step => step.kind === 'frame'),
  };
  for (const [file, vectors] of Object.entries(frames)) {
    for (const vector of vectors) {
      it(`${file}: ${vector.name}`, () => {
        assert.equal(encodeFrame(vector, bytes(vector.payload)).toString('hex'), vector.hex);
      });
    }
  }
});

describe('streams of test/vectors', () => {
  const vectors = ['streams.json', 'knocks.json'].flatMap(file =>
    load<{ streams: StreamVector[] }>(file).streams.map(vector => ({ file, ...vector })),
  );
  for (const { file, ...vector } of vectors) {
    it(`${file}: ${vector.name}`, () => {
      const random = seededRandom(vector.name.length);
      for (const largest of [1, 7, 64, 1 << 20]) {
        const found: Array<Omit<FrameVector, 'name' | 'hex'>> = [];
        const onFrame = (frame: Frame) =>
          void found.push(fieldsOf({ ...frame, payload: frame.payload.toString('hex') }));
        const parser = new FrameParser(vector.limit);
        let fed = 0;
        for (const input of vector.input) {
          if ('idle' in input) parser.idle(onFrame);
          else {
            const piece = bytes(input.hex);
            fed += piece.length;
            for (const chunk of randomChunks(piece, random, largest)) parser.push(chunk, onFrame);
          }
        }
        assert.deepEqual(found, vector.frames.map(fieldsOf));
        assert.equal(parser.droppedBytes, vector.dropped);
        assert.equal(parser.incomplete, vector.kept > 0);
        const taken = vector.frames.reduce(
          (sum, frame) => sum + encodeFrame(frame, bytes(frame.payload)).length,
          0,
        );
        assert.equal(fed, taken + vector.dropped + vector.kept);
      }
    });
  }
});

describe('knocks of test/vectors', () => {
  const { texts } = load<{ texts: { nonce: number; text: string }[] }>('knocks.json');
  for (const { nonce, text } of texts) it(`nonce ${nonce}`, () => assert.equal(encodeKnock(nonce), text));
});

describe('texts of test/vectors', () => {
  const { valid, invalid } = load<{ valid: TextVector[]; invalid: Array<{ name: string; hex: string }> }>(
    'texts.json',
  );
  for (const vector of valid) {
    it(vector.name, () => {
      const message = decodeText(bytes(vector.hex));
      assert.equal(message?.verb, vector.verb);
      const fields = [...(message?.fields ?? [])].map(([key, value]) => [key, value.toString('hex')]);
      assert.deepEqual(fields, vector.fields);
      const written = encodeText(vector.verb, Object.fromEntries(message?.fields ?? []));
      // A JavaScript object puts keys such as `0` first; the order of the lines has no meaning.
      const lines = (text: Buffer) => text.toString('latin1').split('\n').sort();
      assert.equal(isDeepStrictEqual(lines(written), lines(bytes(vector.hex))), vector.canonical);
    });
  }
  for (const { name, hex } of invalid) {
    it(`invalid: ${name}`, () => assert.equal(decodeText(bytes(hex)), undefined));
  }
});
