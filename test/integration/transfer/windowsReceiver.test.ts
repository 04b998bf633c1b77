// The engine of receiver.ps1, under Mono, in a real guest: over its emulated UART and its virtio channel.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { comDd } from '../../support/comDd.ts';
import { bootGuest, type Guest, guestPorts } from '../../support/guest.ts';
import { ensureLibvirtd, type Libvirtd } from '../../support/libvirtd.ts';

const LINKS = ['serial1', 'org.guestwire.0'];
const SIZES = [0, 1, 65_535, 65_536, 65_537, 3_000_000];

describe('the engine of receiver.ps1 in a real guest', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'guestwire-windows-'));
  let libvirtd: Libvirtd;
  let guest: Guest;

  before(async () => {
    libvirtd = await ensureLibvirtd();
    const receiverPorts = [guestPorts.serial1, guestPorts.channel0];
    guest = await bootGuest({ uri: libvirtd.uri, name: 'windows', receiver: 'mono', receiverPorts });
  });

  after(async () => {
    await guest?.destroy();
    await libvirtd?.stop();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  async function copy(link: string, sources: string[], destination: string): Promise<string> {
    const args = ['--connect', guest.uri, '--link', link, '--conflict', 'overwrite', '--json'];
    const { code, stdout, stderr } = await comDd(...args, guest.name, ...sources, destination);
    assert.equal(code, 0, stderr || stdout);
    return stdout;
  }

  function randomFile(bytes: number): string {
    const file = path.join(directory, `random-${bytes}`);
    fs.writeFileSync(file, crypto.randomBytes(bytes));
    return file;
  }

  for (const link of LINKS) {
    it(`${link}: ${SIZES.join(', ')} bytes arrive whole`, async () => {
      await guest.mustRun(`mkdir -p /tmp/${link}`);
      const sources = SIZES.map(randomFile);
      const result = JSON.parse(await copy(link, sources, `/tmp/${link}/`));
      assert.equal(result.files.length, SIZES.length);
      for (const source of sources) {
        const expected = crypto.createHash('sha256').update(fs.readFileSync(source)).digest('hex');
        assert.equal(await guest.sha256(`/tmp/${link}/${path.basename(source)}`), expected);
      }
    });
  }

  it('a folder of small files arrives whole, and is found unchanged when it is copied again', async () => {
    const top = path.join(directory, 'folder');
    const expected = makeSmallFiles(top, 300);
    const first = JSON.parse(await copy('org.guestwire.0', [top], '/tmp/'));
    assert.equal(first.files.length, 300);
    const sums = await guest.mustRun('cd /tmp/folder && find . -type f | sort | xargs sha256sum');
    assert.equal(sums.trim(), expected);
    const second = JSON.parse(await copy('org.guestwire.0', [top], '/tmp/'));
    assert.ok(second.files.every((file: { skipped: boolean }) => file.skipped));
  });

  it('a host that disconnects and connects again is served, and nothing unfinished stays', async () => {
    const file = randomFile(1_000_000);
    for (let round = 0; round < 3; round++) await copy('org.guestwire.0', [file], '/tmp/again');
    assert.equal((await guest.run('ls -A /tmp | grep -c guestwire-')).stdout.trim(), '0');
  });
});

/** Files in several folders; what `sha256sum` says of them. */
function makeSmallFiles(top: string, count: number): string {
  const lines: string[] = [];
  for (let index = 0; index < count; index++) {
    const name = `./d${index % 7}/f${index}`;
    const content = crypto.randomBytes((index * 37) % 3_000);
    fs.mkdirSync(path.join(top, path.dirname(name)), { recursive: true });
    fs.writeFileSync(path.join(top, name), content);
    lines.push(`${crypto.createHash('sha256').update(content).digest('hex')}  ${name}`);
  }
  return lines.sort((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1)).join('\n');
}
