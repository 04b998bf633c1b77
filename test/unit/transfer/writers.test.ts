// A program that writes to the sources at any moment while they are copied: whatever is called verified is a version
// that there was. What happens is the seed's; when it happens, the machine's.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { openSession } from '../../../src/protocol/index.ts';
import { copyToMany, type FileResult } from '../../../src/transfer/index.ts';
import { isLong } from '../../support/isLong.ts';
import { FakeLink } from '../protocol/fakeLink.ts';
import { FakeReceiver } from '../protocol/fakeReceiver.ts';
import { emptyFolder } from './emptyFolder.ts';
import { type Versions, WriterThread } from './writer.ts';

const RUNS = isLong ? 500 : 50;
const CAPABILITIES = ['deflate', 'delta', 'resume', 'unchanged', 'bundle'];
const FIRST_SEED = 20_251_125;

const KINDS = ['single', 'folder', 'several guests', 'folder, several guests', 'delta', 'checksum'] as const;
type Kind = (typeof KINDS)[number];

/** So many versions come about while a copy lasts that some copies find none, and others do. */
const STEPS = [1, 2, 5, 12];
const PAUSE_MS = 25;

describe('sources that a program writes to', () => {
  const directory = emptyFolder();
  const thread = new WriterThread();
  after(() => thread.stop());

  async function connect(basis: Buffer | undefined) {
    const receiver = new FakeReceiver({
      capabilities: CAPABILITIES,
      window: 8_192,
      answer: ({ verb, fields }) =>
        verb === 'stat' && fields.get('path')?.toString() === '/d'
          ? [['done', { type: 'directory', path: '/d' }]]
          : undefined,
    });
    if (basis) receiver.files.set('/d/f', basis);
    return { receiver, session: await openSession(new FakeLink(receiver)) };
  }

  function sourcesOf(kind: Kind, seed: number): { files: string[]; source: string } {
    const top = path.join(directory, `${seed}`);
    fs.mkdirSync(top);
    const isFolder = kind.startsWith('folder');
    const names = isFolder ? ['a', 'b', 'c', 'd', 'e'] : ['f'];
    const files = names.map(name => path.join(top, name));
    for (const file of files)
      fs.writeFileSync(file, Buffer.alloc(isFolder ? 20_000 : 150_000, `${file} 0\n`));
    return { files, source: isFolder ? top : (files[0] as string) };
  }

  /** @returns how many files arrived, and how many of them as a first part */
  async function run(seed: number) {
    const kind = KINDS[seed % KINDS.length] as Kind;
    const { files, source } = sourcesOf(kind, seed);
    const hasBasis = kind === 'delta' || kind === 'checksum';
    const basis = hasBasis ? fs.readFileSync(files[0] as string) : undefined;
    const guests = await Promise.all(
      Array.from({ length: kind.endsWith('several guests') ? 3 : 1 }, () => connect(basis)),
    );
    const steps = STEPS[Math.floor(seed / KINDS.length) % STEPS.length] as number;
    const writing = thread.write({ seed, files, steps, pauseMs: PAUSE_MS });
    const options = {
      conflict: 'overwrite',
      delta: kind === 'delta' ? 'on' : 'auto',
      checksum: kind === 'checksum',
    } as const;
    const targets = guests.map(({ session }) => ({ session, destination: '/d', options }));
    const results = await copyToMany(targets, [source]);
    for (const { session } of guests) await session.close();
    const versions = await writing;
    const counts = { verified: 0, grown: 0, failed: 0 };
    for (const [index, { receiver }] of guests.entries()) {
      const result = results[index];
      assert.ok(result?.status === 'fulfilled', String(Object(result).reason));
      for (const file of result.value.files) {
        assertIsVersion(file, receiver, versions, `seed ${seed}, ${kind}`);
        counts.failed += file.error ? 1 : 0;
        counts.verified += file.verified ? 1 : 0;
        counts.grown += file.changed ? 1 : 0;
      }
    }
    return counts;
  }

  function assertIsVersion(
    { source, destination, sha256, verified, changed, error }: FileResult,
    receiver: FakeReceiver,
    versions: Versions,
    what: string,
  ): void {
    if (error) {
      // It was away just then.
      assert.ok(['source-changed', 'ENOENT'].includes(error.code), `${what}: ${error.code}`);
      return;
    }
    assert.ok(verified, what);
    const arrived = receiver.files.get(destination) as Buffer;
    assert.equal(hash('sha256', arrived), sha256, what);
    const isVersion = (versions.get(source) ?? []).some(version =>
      changed === 'grown'
        ? Buffer.compare(version.subarray(0, arrived.length), arrived) === 0
        : Buffer.compare(version, arrived) === 0,
    );
    assert.ok(isVersion, `${what}: ${path.basename(source)} was never so (${arrived.length} bytes)`);
  }

  it(`arrive as a version that there was, or not at all, in ${RUNS} runs`, async t => {
    const sum = { verified: 0, grown: 0, failed: 0 };
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed += 1) {
      const counts = await run(seed);
      for (const key of ['verified', 'grown', 'failed'] as const) sum[key] += counts[key];
    }
    t.diagnostic(JSON.stringify(sum));
    assert.ok(sum.verified > 0);
  });
});
