// Compression, delta, resumption and the quick check with the real receiver: what goes over the line, and what arrives.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { before, it } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { sourceText } from '../../bench/sourceText.ts';
import { buildComDd, comDd, inMidRun, startComDd } from '../../support/comDd.ts';
import { describeEachReceiver } from '../../support/eachReceiver.ts';
import type { Guest } from '../../support/guest.ts';
import { repositoryRoot } from '../../support/paths.ts';
import { SetUp } from '../../support/setUp.ts';
import { WithheldSource } from '../../support/withheldSource.ts';

const RESUME_BYTES = 20_000_000;
/** What the copy gets before it is killed. */
const FIRST_BYTES = 8_000_000;

interface JsonResult {
  files: Array<{ source: string; sha256: string; verified: boolean; skipped: boolean }>;
  bytes: number;
  wireBytes: number;
  resumedFrom: number;
}

describeEachReceiver('com-dd, sending less', receiver => {
  const setUp = new SetUp();
  const directory = setUp.folder('less');
  let guest: Guest;

  before(async () => {
    await buildComDd();
    await setUp.libvirtd();
    guest = await setUp.guest({ name: 'less', memoryMb: 512, receiver });
  });

  const argumentsFor = (link: string, ...rest: string[]) => [
    ...['--connect', guest.uri, '--link', link, '--json'],
    ...rest,
  ];

  /** Runs com-dd; it must succeed. */
  async function copy(
    link: string,
    source: string,
    destination: string,
    ...options: string[]
  ): Promise<JsonResult> {
    const { code, stdout, stderr } = await comDd(
      ...argumentsFor(link, ...options, guest.name, source, destination),
    );
    assert.equal(code, 0, stderr || stdout);
    return JSON.parse(stdout) as JsonResult;
  }

  function write(name: string, content: Buffer): { file: string; sha256: string } {
    const file = path.join(directory, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
    return { file, sha256: crypto.createHash('sha256').update(content).digest('hex') };
  }

  it('brings source text over the serial port in less than half its bytes', async () => {
    const content = fs.readFileSync(path.join(repositoryRoot, 'package-lock.json'));
    const { file, sha256 } = write('text', content);
    const result = await copy('serial1', file, '/tmp/text');
    assert.ok(result.wireBytes < content.length / 2, `${result.wireBytes} of ${content.length}`);
    assert.equal(await guest.sha256('/tmp/text'), sha256);
  });

  // .NET Framework and Mono have no decoder.
  if (receiver === 'python') {
    it('uses zstd where the guest has its library: fewer bytes than with the best of DEFLATE', async () => {
      const content = sourceText(400_000);
      const { file, sha256 } = write('zstd', content);
      const deflated = deflateRawSync(content, { level: 9, memLevel: 9 }).length;
      const result = await copy('serial1', file, '/tmp/zstd');
      assert.ok(result.wireBytes < deflated, `${result.wireBytes}, and ${deflated} with DEFLATE`);
      assert.equal(await guest.sha256('/tmp/zstd'), sha256);
    });
  }

  it('compresses when told to, on the channel too, across data of both kinds', async () => {
    const text = Buffer.from('some words that come again and again\n'.repeat(60_000));
    const { file, sha256 } = write('mixed', Buffer.concat([text, crypto.randomBytes(3_000_000), text]));
    const result = await copy('org.guestwire.0', file, '/tmp/mixed', '--compress', 'on');
    assert.ok(result.wireBytes < 3_300_000, `${result.wireBytes}`);
    assert.equal(await guest.sha256('/tmp/mixed'), sha256);
  });

  it('sends only what changed of a file that is there, and nothing of one that is the same', async () => {
    const basis = crypto.randomBytes(3_000_000);
    const before = write('delta', basis);
    await copy('org.guestwire.0', before.file, '/tmp/delta');
    const parts = ['inserted in front', basis.subarray(0, 1_000_000), basis.subarray(1_200_000), 'appended'];
    const { file, sha256 } = write('delta', Buffer.concat(parts.map(part => Buffer.from(part))));
    const replace = ['--conflict', 'overwrite'];
    const changed = await copy('serial1', file, '/tmp/delta', ...replace);
    assert.ok(changed.wireBytes < 60_000, `${changed.wireBytes}`);
    assert.equal(await guest.sha256('/tmp/delta'), sha256);
    const same = await copy('serial1', file, '/tmp/delta', ...replace);
    assert.ok(same.wireBytes < 10_000, `${same.wireBytes}`);
    assert.deepEqual([same.files[0]?.skipped, same.files[0]?.verified], [true, true]);
  });

  it('goes on where a copy ended that was killed', async () => {
    const { file, sha256 } = write('resumed', crypto.randomBytes(RESUME_BYTES));
    const { environment } = new WithheldSource(file, FIRST_BYTES);
    const args = argumentsFor('org.guestwire.0', guest.name, file, '/tmp/resumed');
    const killed = startComDd(args, environment);
    const size = 'stat -c %s /tmp/.guestwire-*.partial 2>/dev/null || echo 0';
    try {
      const hasArrived = async () => Number(await guest.mustRun(size)) > 2_000_000;
      await inMidRun(killed, '2 MB arrived', hasArrived);
    } finally {
      killed.child.kill('SIGKILL');
      await killed.result;
    }
    const result = await copy('org.guestwire.0', file, '/tmp/resumed');
    assert.ok(result.resumedFrom >= 2_000_000 && result.resumedFrom <= FIRST_BYTES, `${result.resumedFrom}`);
    assert.ok(result.wireBytes < RESUME_BYTES - result.resumedFrom + 2_000_000, `${result.wireBytes}`);
    assert.equal(result.files[0]?.sha256, sha256);
    assert.equal(await guest.sha256('/tmp/resumed'), sha256);
    assert.equal((await guest.mustRun('ls -A /tmp | grep -c guestwire || true')).trim(), '0');
  });

  it('skips the files of a folder that have not changed', async () => {
    for (const name of ['a', 'b', 'c']) write(`folder/${name}`, crypto.randomBytes(20_000));
    const folder = path.join(directory, 'folder');
    await copy('org.guestwire.0', folder, '/tmp/');
    const { sha256 } = write('folder/b', crypto.randomBytes(20_001));
    const again = await copy('org.guestwire.0', folder, '/tmp/', '--conflict', 'overwrite');
    assert.equal(again.files.filter(file => file.skipped && !file.verified).length, 2);
    assert.equal(again.bytes, 20_001);
    assert.ok(again.wireBytes < 25_000, `${again.wireBytes}`);
    assert.equal(await guest.sha256('/tmp/folder/b'), sha256);
    const checked = await copy('org.guestwire.0', folder, '/tmp/', '--checksum');
    assert.ok(checked.files.every(file => file.skipped && file.verified));
  });
});
