// `com-dd --also`: one copy into two real guests, of which one can also fail without harm to the other.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { before, describe, it } from 'node:test';
import { comDd } from '../../support/comDd.ts';
import type { Guest } from '../../support/guest.ts';
import type { Libvirtd } from '../../support/libvirtd.ts';
import { SetUp } from '../../support/setUp.ts';

describe('com-dd into several guests', () => {
  const setUp = new SetUp();
  const directory = setUp.folder('many');
  const file = path.join(directory, 'file');
  const content = crypto.randomBytes(10_000_000);
  const sha256 = crypto.createHash('sha256').update(content).digest('hex');
  let libvirtd: Libvirtd;
  let guests: Guest[];

  before(async () => {
    fs.writeFileSync(file, content);
    libvirtd = await setUp.libvirtd();
    guests = await setUp.guests({ name: 'one' }, { name: 'two' });
  });

  async function copy(destination: string) {
    const [one, two] = guests.map(guest => guest.name);
    const { code, stdout, stderr } = await comDd(
      ...['--connect', libvirtd.uri, '--json', '--also', two ?? '', one ?? '', file, destination],
    );
    return { code, stderr, report: JSON.parse(stdout) };
  }

  it('brings the file into both, verified', async () => {
    const { code, stderr, report } = await copy('/tmp/file');
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      report.guests.map((guest: { domain: string }) => guest.domain),
      guests.map(guest => guest.name),
    );
    for (const guest of guests) assert.equal(await guest.sha256('/tmp/file'), sha256);
  });

  it('says which guest failed, and still serves the other', async () => {
    await guests[1]?.mustRun('mkdir /tmp/only-here');
    const { code, stderr, report } = await copy('/tmp/only-here/');
    assert.equal(code, 1);
    assert.ok(stderr.includes(`${guests[0]?.name}: `), stderr);
    assert.equal(report.guests[0].error.code, 'no-directory');
    assert.equal(report.guests[1].files[0].verified, true);
    assert.equal(await guests[1]?.sha256('/tmp/only-here/file'), sha256);
  });
});
