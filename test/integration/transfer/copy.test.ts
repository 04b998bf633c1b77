// com-dd into a real guest, over each kind of link: sizes around the block limits, a tree of awkward names, memory.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { before, it } from 'node:test';
import { comDd } from '../../support/comDd.ts';
import { describeEachReceiver } from '../../support/eachReceiver.ts';
import { type Guest, quoteForShell } from '../../support/guest.ts';
import { isLong } from '../../support/isLong.ts';
import { SetUp } from '../../support/setUp.ts';

const LINKS = ['serial1', 'console1', 'org.guestwire.0'] as const;
const SIZES = [0, 1, 65_535, 65_536, 65_537];
/** Many windows over each kind of link. */
const LARGE_BYTES = {
  serial1: isLong ? 5_000_000 : 1_000_000,
  console1: 5_000_000,
  'org.guestwire.0': 20_000_000,
};
/** More than com-dd may have in memory. */
const HUGE_BYTES = isLong ? 500_000_000 : 250_000_000;
const MEMORY_LIMIT_BYTES = 150 << 20;

interface JsonResult {
  files: Array<{
    source: string;
    destination: string;
    bytes: number;
    sha256: string;
    verified: boolean;
    skipped: boolean;
  }>;
  bytes: number;
  wireBytes: number;
  link: string;
}

describeEachReceiver('com-dd into a real guest', receiver => {
  const setUp = new SetUp();
  const directory = setUp.folder('copy');
  let guest: Guest;

  before(async () => {
    await setUp.libvirtd();
    guest = await setUp.guest({ name: 'copy', memoryMb: isLong ? 1_400 : 900, receiver });
  });

  /** Runs com-dd with --json; it must succeed. */
  async function copy(
    link: string,
    sources: string[],
    destination: string,
    ...options: string[]
  ): Promise<JsonResult> {
    const args = [
      '--connect',
      guest.uri,
      '--link',
      link,
      '--json',
      ...options,
      guest.name,
      ...sources,
      destination,
    ];
    const { code, stdout, stderr } = await comDd(...args);
    assert.equal(code, 0, stderr || stdout);
    return JSON.parse(stdout) as JsonResult;
  }

  function randomFile(bytes: number): { file: string; sha256: string } {
    const content = crypto.randomBytes(bytes);
    const file = path.join(directory, `random-${bytes}`);
    fs.writeFileSync(file, content);
    return { file, sha256: crypto.createHash('sha256').update(content).digest('hex') };
  }

  for (const link of LINKS) {
    it(`${link}: ${SIZES.join(', ')} bytes arrive whole, as one copy of several files`, async () => {
      await guest.mustRun(`mkdir -p /tmp/sizes-${link}`);
      const files = SIZES.map(randomFile);
      const result = await copy(
        link,
        files.map(({ file }) => file),
        `/tmp/sizes-${link}/`,
      );
      assert.deepEqual(
        result.files.map(({ sha256 }) => sha256),
        files.map(({ sha256 }) => sha256),
      );
      assert.ok(result.files.every(({ verified, skipped }) => verified && !skipped));
      for (const { file, sha256 } of files)
        assert.equal(await guest.sha256(`/tmp/sizes-${link}/${path.basename(file)}`), sha256);
    });

    it(`${link}: ${LARGE_BYTES[link]} bytes of random data arrive whole`, async () => {
      const bytes = LARGE_BYTES[link];
      const { file, sha256 } = randomFile(bytes);
      const result = await copy(link, [file], `/tmp/large-${link}`);
      assert.equal(result.bytes, bytes);
      assert.equal(result.link, link);
      assert.ok(result.wireBytes > bytes && result.wireBytes < bytes * 1.1);
      assert.equal(await guest.sha256(`/tmp/large-${link}`), sha256);
    });
  }

  it(`${HUGE_BYTES / 1e6} MB over the channel arrive whole, in little memory`, async () => {
    const file = path.join(directory, 'huge');
    const block = crypto.randomBytes(HUGE_BYTES / 500);
    const hash = crypto.createHash('sha256');
    const target = fs.openSync(file, 'w');
    for (let count = 0; count < 500; count += 1) {
      block.writeUInt32BE(count);
      fs.writeSync(target, block);
      hash.update(block);
    }
    fs.closeSync(target);
    const args = ['--connect', guest.uri, '--quiet', guest.name, file, '/tmp/huge'];
    const { code, stderr, peakMemoryBytes } = await comDd(...args);
    assert.equal(code, 0, stderr);
    assert.ok(peakMemoryBytes > 0 && peakMemoryBytes < MEMORY_LIMIT_BYTES, `${peakMemoryBytes >> 20} MiB`);
    const printed = await guest.mustRun('sha256sum /tmp/huge; rm /tmp/huge', { timeoutMs: 200_000 });
    assert.equal(printed.slice(0, 64), hash.digest('hex'));
  });

  for (const link of ['serial1', 'org.guestwire.0']) {
    it(`${link}: a tree of 200 files with awkward names arrives whole`, async () => {
      const tree = makeTree(path.join(directory, `tree-${link}`));
      const result = await copy(link, [tree.top], '/tmp/');
      assert.equal(result.files.length, tree.files + tree.links);
      assert.deepEqual(await guestListing(guest, `/tmp/tree-${link}`), hostListing(tree.top));
    });
  }

  it('an identical file is skipped and counts as verified; a different one is an error without --conflict', async () => {
    const { file, sha256 } = randomFile(10_000);
    await copy('org.guestwire.0', [file], '/tmp/twice');
    const again = await copy('org.guestwire.0', [file], '/tmp/twice');
    assert.deepEqual(again.files, [
      { source: file, destination: '/tmp/twice', bytes: 0, sha256, verified: true, skipped: true },
    ]);
    await guest.mustRun('echo different > /tmp/twice');
    const refused = await comDd('--connect', guest.uri, guest.name, file, '/tmp/twice');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /\/tmp\/twice/);
    assert.match(refused.stderr, /--conflict/);
    assert.equal(await guest.mustRun('cat /tmp/twice'), 'different\n');
    const kept = await copy('org.guestwire.0', [file], '/tmp/twice', '--conflict', 'rename');
    assert.equal(kept.files[0]?.destination, '/tmp/twice (2)');
    await copy('org.guestwire.0', [file], '/tmp/twice', '--conflict', 'overwrite');
    assert.equal(await guest.sha256('/tmp/twice'), sha256);
  });

  it('sources of one name: files are refused before anything is sent, folders merge', async () => {
    const names = ['c', 'o/c', 'x/d/in/same', 'x/d/mine', 'y/d/in/same', 'y/d/yours'];
    const top = path.join(directory, 'names');
    for (const name of names) {
      fs.mkdirSync(path.dirname(path.join(top, name)), { recursive: true });
      fs.writeFileSync(path.join(top, name), `${name}\n`);
    }
    await guest.mustRun('mkdir /tmp/names');
    const copyAll = (...of: string[]) =>
      comDd(
        ...['--connect', guest.uri, '--conflict', 'overwrite', guest.name],
        ...[...of.map(name => path.join(top, name)), '/tmp/names/'],
      );
    const refused = await copyAll('c', 'o/c');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /names\/c" and "[^"]*names\/o\/c" would both be called "c"/);
    assert.equal(await guest.mustRun('ls /tmp/names'), '');
    const merged = await copyAll('x/d', 'y/d');
    assert.equal(merged.code, 1);
    assert.match(merged.stderr, /y\/d\/in\/same" was not copied: this copy has already put something else/);
    assert.match(merged.stdout, /verified: 3 of 4 files/);
    const found = await guest.mustRun('cd /tmp/names/d && cat in/same mine yours');
    assert.equal(found, 'x/d/in/same\nx/d/mine\ny/d/yours\n');
  });

  it('keeps mode and mtime', async () => {
    const { file } = randomFile(3);
    fs.chmodSync(file, 0o751);
    fs.utimesSync(file, 1_700_000_000, 1_700_000_000.25);
    await copy('org.guestwire.0', [file], '/tmp/attributes');
    assert.equal(await guest.mustRun('stat -c "%a %Y" /tmp/attributes'), '751 1700000000\n');
  });

  it('does nothing while there is nothing to do', async () => {
    // How often its threads slept so far: each time they were woken.
    const sleeps = async (): Promise<number> => {
      const counts = await guest.mustRun(
        "sed -n 's/^voluntary_ctxt_switches:\\s*//p' /proc/$(cat /run/receiver.pid)/task/*/status",
      );
      return counts.split('\n').reduce((sum, count) => sum + Number(count), 0);
    };
    // What it still had to do before, or its runtime does now and then, is not in every span of time.
    const counts: number[] = [];
    while (counts.length < 5) {
      const before = await sleeps();
      await guest.mustRun('sleep 4');
      const woken = (await sleeps()) - before;
      if (woken <= 4) return;
      counts.push(woken);
    }
    assert.fail(`woken ${counts} times in 4 s each`);
  });

  it("raises the UART's receive trigger as long as it runs", async () => {
    const trigger = async (): Promise<string> =>
      (await guest.mustRun('cat /sys/class/tty/ttyS1/rx_trig_bytes')).trim();
    assert.equal(await trigger(), '14');
    await guest.killReceiver();
    assert.equal(await trigger(), '8');
    await guest.startReceiver();
    assert.equal(await trigger(), '14');
  });

  it('writes a character device straight', async () => {
    const { file } = randomFile(65_537);
    const result = await copy('org.guestwire.0', [file], '/dev/null');
    assert.equal(result.files[0]?.verified, true);
    assert.equal(await guest.mustRun('stat -c %F /dev/null'), 'character special file\n');
  });
});

/** 200 files in nested folders, among them the names that break scripts, and a few links. */
function makeTree(top: string): { top: string; files: number; links: number } {
  const awkward = [
    'with space',
    '-rf',
    '--',
    'new\nline',
    'tab\there',
    'quote\'s "and" `ticks`',
    '$HOME',
    '*',
    '?',
    '[a]',
    '~',
    '#x',
    '%41',
    'a=b',
    'back\\slash',
    'ünïcödé',
    '日本語.txt',
    '🙂',
    '.hidden',
    '...',
    ' leading',
    'trailing ',
    'x'.repeat(255),
    '\u0001\u001b[31mred',
    'e\u0301 combining',
    'ﷺ',
    '; rm x',
    '&& true',
    '|',
    '>out',
    'nul',
    'CON',
    'trailing.',
  ];
  const folders = ['', 'deep/er/and deeper', '-dash', 'empty', '名前'];
  for (const folder of folders) fs.mkdirSync(path.join(top, folder), { recursive: true });
  fs.mkdirSync(path.join(top, 'closed'));
  let files = 0;
  const filled = folders.filter(folder => folder !== 'empty').concat('closed');
  while (files < 200) {
    const name = awkward[Math.floor(files / filled.length)] ?? `plain ${files}`;
    const file = path.join(top, filled[files % filled.length] ?? '', name);
    fs.writeFileSync(file, crypto.randomBytes(files % 7 === 0 ? 0 : (files * 37) % 3_000));
    fs.utimesSync(file, 1_600_000_000 + files, 1_600_000_000 + files);
    files += 1;
  }
  fs.symlinkSync('plain 199', path.join(top, 'link'));
  fs.symlinkSync('/nowhere/at all', path.join(top, 'dangling'));
  fs.chmodSync(path.join(top, 'closed'), 0o555);
  return { top, files, links: 2 };
}

/** Path, type, mode, mtime and content of everything below a folder, sorted; the same from both sides. */
function hostListing(top: string): string[] {
  const names = fs.readdirSync(top, { recursive: true, encoding: 'utf8' });
  return names
    .map(name => {
      const file = path.join(top, name);
      const info = fs.lstatSync(file);
      const mode = (info.mode & 0o777).toString(8);
      const seconds = Math.floor(info.mtimeMs / 1_000);
      if (info.isSymbolicLink()) return JSON.stringify([name, 'link', fs.readlinkSync(file)]);
      if (info.isDirectory()) return JSON.stringify([name, 'directory', mode, seconds]);
      const sha256 = crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex');
      return JSON.stringify([name, 'file', mode, seconds, sha256]);
    })
    .sort();
}

async function guestListing(guest: Guest, top: string): Promise<string[]> {
  const script = `
import os, sys, json, hashlib, stat
top = sys.argv[1]
for base, folders, files in os.walk(top):
    for name in folders + files:
        path = os.path.join(base, name)
        info = os.lstat(path)
        row = [os.path.relpath(path, top)]
        if stat.S_ISLNK(info.st_mode): row += ['link', os.readlink(path)]
        elif stat.S_ISDIR(info.st_mode): row += ['directory', oct(info.st_mode & 0o777)[2:], int(info.st_mtime)]
        else: row += ['file', oct(info.st_mode & 0o777)[2:], int(info.st_mtime), hashlib.sha256(open(path, 'rb').read()).hexdigest()]
        print(json.dumps(row))`;
  const printed = await guest.mustRun(
    `PYTHONUTF8=1 python3 -c ${quoteForShell(script)} ${quoteForShell(top)}`,
    {
      timeoutMs: 60_000,
    },
  );
  return printed
    .trim()
    .split('\n')
    .map(line => JSON.stringify(JSON.parse(line)))
    .sort();
}
