/**
 * receiver.ps1 on a real Windows, for CI: `node --test test/windows/onWindows.test.ts` there, after
 * `node guest/assemble.mjs`. GUESTWIRE_POWERSHELL says which PowerShell runs it: `powershell` (5.1) or `pwsh` (7).
 *
 * A named pipe takes the place of the virtio channel, since the receiver opens both as a file below `\\.\Global\`. So
 * this shows the script, Add-Type, files and sessions on Windows, but neither vioserial nor a COM port.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openSession, type Session } from '../../src/protocol/index.ts';
import { type CopyOptions, copy } from '../../src/transfer/index.ts';

const powershell = process.env.GUESTWIRE_POWERSHELL ?? 'powershell';
const receiver = path.resolve(import.meta.dirname, '../../dist/guest/receiver.ps1');
const command = ['-NoProfile', '-NonInteractive', '-ExecutionPolicy', 'Bypass', '-File', receiver];
const needsWindows = process.platform !== 'win32' && 'needs Windows';

/** Add-Type compiles for seconds, and minutes where a virus scanner looks on. */
const START_TIMEOUT_MS = 180_000;

describe(`receiver.ps1 under ${powershell}`, { skip: needsWindows }, () => {
  it('says its version without a warning', () => {
    const { version } = JSON.parse(
      fs.readFileSync(path.resolve(import.meta.dirname, '../../package.json'), 'utf8'),
    );
    const { stdout, stderr } = run('-Version');
    assert.equal(stdout.trim(), `receiver.ps1 ${version}, protocol 1`);
    assert.equal(stderr, '');
  });

  it('ends with 2 for a wrong option and with 1 for a port that is not there', () => {
    assert.equal(run('-Nonsense').status, 2);
    assert.equal(run('-Port', 'COM99').status, 1);
  });

  describe('serving a named pipe', () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'guestwire-'));
    const sources = path.join(folder, 'sources');
    const root = path.join(folder, 'root');
    let line: Line;
    let session: Session;

    before(async () => {
      fs.mkdirSync(sources);
      fs.mkdirSync(root);
      line = await startReceiver('-Root', root, '-LogLevel', 'debug');
      session = await openSession(line.socket, {
        signal: AbortSignal.timeout(START_TIMEOUT_MS),
        timeoutMs: 60_000,
      });
    });

    after(async () => {
      await session?.close();
      await line?.stop();
      fs.rmSync(folder, { recursive: true, force: true });
    });

    async function send(content: Buffer, name: string, options: Partial<CopyOptions> = {}) {
      const source = path.join(sources, name);
      fs.writeFileSync(source, content);
      const { files } = await copy(session, [source], '.', { conflict: 'fail', ...options });
      assert.equal(files.length, 1);
      return files[0];
    }

    it('introduces itself as a Windows receiver', () => {
      assert.equal(session.welcome.system, 'windows');
      assert.equal(session.welcome.separator, '\\');
      assert.equal(session.welcome.device, 'channel');
    });

    for (const size of [0, 1, 65_537, 20_000_000]) {
      it(`verifies a copy of ${size} bytes`, async () => {
        const content = randomBytes(size);
        const sha256 = createHash('sha256').update(content).digest('hex');
        const file = await send(content, `${size}.bin`);
        assert.deepEqual([file?.verified, file?.sha256], [true, sha256]);
        assert.deepEqual(fs.readFileSync(path.join(root, `${size}.bin`)), content);
      });
    }

    it('decodes DEFLATE', async () => {
      const content = Buffer.from('the same again and again\r\n'.repeat(100_000));
      const before = session.wireBytes;
      assert.equal((await send(content, 'text.txt', { compression: 'on' }))?.verified, true);
      assert.ok(session.wireBytes - before < content.length / 10);
      assert.deepEqual(fs.readFileSync(path.join(root, 'text.txt')), content);
    });

    it('takes a folder of many small files', async () => {
      const tree = path.join(sources, 'tree');
      fs.mkdirSync(tree);
      for (let n = 0; n < 300; n++) fs.writeFileSync(path.join(tree, `file ${n} \u65e5\u672c.txt`), `${n}`);
      const { files } = await copy(session, [tree], '.', { conflict: 'fail' });
      assert.ok(files.every(({ verified }) => verified));
      assert.deepEqual(fs.readdirSync(path.join(root, 'tree')).sort(), fs.readdirSync(tree).sort());
    });

    it('refuses names that Windows takes for something else, and paths out of its root', async () => {
      for (const name of ['con.txt', 'a:b', 'dot.', '../outside']) {
        const source = path.join(sources, 'harmless.txt');
        fs.writeFileSync(source, 'x');
        await assert.rejects(async () => {
          const { files } = await copy(session, [source], name, { conflict: 'fail' });
          const error = files[0]?.error;
          if (error) throw error;
        }, `${name} was accepted`);
      }
      assert.deepEqual(
        fs.readdirSync(folder).sort(),
        ['root', 'sources'],
        'something was written outside the root',
      );
    });

    it('leaves a read-only file as it is', async () => {
      const target = path.join(root, 'read-only.txt');
      fs.writeFileSync(target, 'old');
      fs.chmodSync(target, 0o444);
      const file = await send(Buffer.from('something new'), 'read-only.txt', { conflict: 'overwrite' });
      assert.equal(file?.error?.code, 'permission');
      assert.equal(fs.readFileSync(target, 'utf8'), 'old');
    });

    it('leaves no temporary file', () => {
      const names = fs.readdirSync(root, { recursive: true, encoding: 'utf8' });
      assert.deepEqual(
        names.filter(name => name.includes('.guestwire-')),
        [],
      );
    });
  });
});

function run(...options: string[]) {
  return spawnSync(powershell, [...command, ...options], { encoding: 'utf8', timeout: START_TIMEOUT_MS });
}

interface Line {
  readonly socket: net.Socket;
  stop(): Promise<void>;
}

/** Node holds the pipe's server end, the host's; the receiver opens the other like a port. */
async function startReceiver(...options: string[]): Promise<Line> {
  const name = `pipe\\guestwire-${process.pid}`;
  const server = net.createServer();
  server.listen(`\\\\.\\${name}`);
  await once(server, 'listening');
  const port = `\\\\.\\Global\\${name}`;
  const child = spawn(powershell, [...command, '-Port', port, ...options], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const signal = AbortSignal.timeout(START_TIMEOUT_MS);
  const ended = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`the receiver ended with ${code}`);
  });
  ended.catch(() => undefined);
  const [socket] = await Promise.race([once(server, 'connection', { signal }), ended]);
  return { socket, stop: () => stopReceiver(server, child) };
}

async function stopReceiver(server: net.Server, child: ChildProcess): Promise<void> {
  server.close();
  // Windows has no signal for it that a child without a console of its own would get.
  const ended = once(child, 'exit');
  child.kill();
  await ended;
}
