// Files that change in the middle of a copy into a real guest: what arrives, and is called verified, is one version.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, before, describe, it } from 'node:test';
import { buildComDd, endComDds, inMidRun, startComDd } from '../../support/comDd.ts';
import type { Guest } from '../../support/guest.ts';
import { SetUp } from '../../support/setUp.ts';
import { WithheldSource } from '../../support/withheldSource.ts';

/** More than half of it is more than what is read at a time. */
const BYTES = { serial1: 150_000, 'org.guestwire.0': 3_000_000 };

// What the receiver does is the same as with any copy that is given up: one kind is enough.
describe('com-dd, of a source that changes', () => {
  const setUp = new SetUp();
  const directory = setUp.folder('changing');
  let guest: Guest;

  before(async () => {
    await buildComDd();
    await setUp.libvirtd();
    guest = await setUp.guest({ name: 'changing' });
  });

  afterEach(endComDds);

  /** Copies a file over a link, and changes it when its first bytes are in the guest. */
  async function copyChanging(link: keyof typeof BYTES, name: string, change: (file: string) => void) {
    const file = path.join(directory, name);
    const bytes = BYTES[link];
    const content = crypto.randomBytes(bytes);
    fs.writeFileSync(file, content);
    const source = new WithheldSource(file, 0.6 * bytes);
    const args = ['--connect', guest.uri, '--link', link, '--json', guest.name, file, `/tmp/${name}/f`];
    await guest.mustRun(`mkdir /tmp/${name}`);
    const copy = startComDd(args, source.environment);
    const arrived = `cat /tmp/${name}/.guestwire-* 2>/dev/null | head -c 1 | wc -c`;
    await inMidRun(copy, 'bytes arrive', async () => (await guest.mustRun(arrived)).trim() === '1');
    change(file);
    source.release();
    const { code, stdout, stderr } = await copy.result;
    assert.equal(code, 0, stderr || stdout);
    const [result] = JSON.parse(stdout).files;
    assert.equal(result.verified, true);
    assert.equal(await guest.sha256(`/tmp/${name}/f`), result.sha256);
    assert.equal((await guest.mustRun(`ls -A /tmp/${name}`)).trim(), 'f');
    return { file, content, result, stderr };
  }

  const sha256 = (content: Buffer) => crypto.hash('sha256', content);

  it('serial1, truncated: copies what is left', async () => {
    const change = (file: string) => fs.truncateSync(file, 1_000);
    const { content, result } = await copyChanging('serial1', 'truncated', change);
    assert.deepEqual([result.bytes, result.sha256], [1_000, sha256(content.subarray(0, 1_000))]);
    assert.ok(!('changed' in result));
  });

  it('serial1, overwritten with as many other bytes: copies those', async () => {
    const other = crypto.randomBytes(BYTES.serial1);
    const { result } = await copyChanging('serial1', 'overwritten', file => {
      const descriptor = fs.openSync(file, 'r+');
      fs.writeSync(descriptor, other);
      fs.closeSync(descriptor);
    });
    assert.equal(result.sha256, sha256(other));
  });

  for (const link of ['serial1', 'org.guestwire.0'] as const)
    it(`${link}, grown: keeps the first part, and says so`, async () => {
      const name = `grown-${link}`;
      const change = (file: string) => fs.appendFileSync(file, 'one more line\n');
      const { content, result, stderr } = await copyChanging(link, name, change);
      assert.deepEqual(
        [result.changed, result.bytes, result.sha256],
        ['grown', BYTES[link], sha256(content)],
      );
      assert.ok(stderr.includes(`has grown since, and the guest has its first ${BYTES[link]} bytes`), stderr);
    });
});
