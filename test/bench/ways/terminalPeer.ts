/** ZMODEM and Kermit: a program at each end of a serial line or virtio console, as they have always been used. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { highWaterMark } from '../../support/comDd.ts';
import { quoteForShell } from '../../support/guest.ts';
import { type BenchGuest, type Port, type Trigger, workDirectory } from '../guest/benchGuest.ts';
import { peerDirectory } from '../guest/peerPrograms.ts';
import type { Sample } from '../sample.ts';

/** While nobody has the pty open, QEMU looks only once a second whether somebody has: a wait that is no one's fault. */
const QEMU_NOTICES_MS = 1_500;
const TIMEOUT_MS = 300_000;

interface Peer {
  /** Command line in the guest. `port` is its standard input and output. */
  guestCommand(port: string): string;
  hostCommand(pty: string, file: string): string[];
}

const zmodem: Peer = {
  guestCommand: port => `${peerDirectory}/rz -q -b -y <${port} >${port}`,
  hostCommand: (_pty, file) => ['sz', '-q', '-b', '-y', file],
};

const kermitSettings = [
  'set carrier-watch off',
  'set flow-control none',
  'set parity none',
  'set streaming on',
  'set prefixing minimal',
  'set file type binary',
  'set receive packet-length 9000',
  'set send packet-length 9000',
  'set window 30',
];

/** It opens the line itself: with a line as its standard input it takes that for a person's terminal. */
function kermitCommand(line: string, action: string): string[] {
  return ['-Y', '-q', '-C', [`set line ${line}`, ...kermitSettings, action, 'exit \\v(status)'].join(', ')];
}

const kermit: Peer = {
  guestCommand: port =>
    `env HOME=/root TERM=vt100 ${peerDirectory}/kermit ${kermitCommand(port, 'receive').map(quoteForShell).join(' ')} </dev/null`,
  hostCommand: (pty, file) => ['kermit', ...kermitCommand(pty, `send ${file}`)],
};

export function zmodemCopy(bench: BenchGuest, port: Port, file: string, trigger?: Trigger): Promise<Sample> {
  return peerCopy(zmodem, bench, port, file, trigger);
}

export function kermitCopy(bench: BenchGuest, port: Port, file: string, trigger?: Trigger): Promise<Sample> {
  return peerCopy(kermit, bench, port, file, trigger);
}

async function peerCopy(
  peer: Peer,
  bench: BenchGuest,
  port: Port,
  file: string,
  trigger: Trigger | undefined,
): Promise<Sample> {
  await bench.receiver(false);
  await bench.clear();
  await bench.prepareTty(port, trigger);
  const pty = await bench.guest.ptyPath(port.alias);
  const line = fs.openSync(pty, fs.constants.O_RDWR | fs.constants.O_NOCTTY);
  try {
    await delay(QEMU_NOTICES_MS);
    await startInGuest(bench, peer.guestCommand(port.path), port);
    const used = await bench.count(port);
    const host = await runOnLine(peer.hostCommand(pty, file), line);
    const usage = await used();
    await mustBeEqual(bench, file);
    return { bytes: fs.statSync(file).size, ...usage, ...host };
  } finally {
    await bench.guest.run('kill -KILL -$(cat /run/peer.pid)');
    fs.closeSync(line);
  }
}

/** Returns when the program has the port open, so that nothing the host sends is lost or has to be sent again. */
async function startInGuest(bench: BenchGuest, command: string, port: Port): Promise<void> {
  const start = `mkdir -p /var/lock; cd ${workDirectory}; setsid sh -c ${quoteForShell(`exec ${command}`)} >/dev/null 2>/run/peer.log & echo $! > /run/peer.pid`;
  const opened = `tries=0; until ls -l /proc/$(cat /run/peer.pid)/fd 2>/dev/null | grep -q ' -> ${port.path}$'; do tries=$((tries + 1)); [ $tries -lt 100 ] || { cat /run/peer.log >&2; exit 1; }; usleep 50000; done`;
  await bench.guest.mustRun(`${start}; ${opened}`, { timeoutMs: 30_000 });
}

/** The shell's `times` is the one way to learn what a child took without a program of our own. */
function runOnLine(
  command: string[],
  line: number,
): Promise<Pick<Sample, 'seconds' | 'hostCpuSeconds' | 'hostRssBytes'>> {
  const script = '"$@"; status=$?; times >&3; exit $status';
  const startedAt = performance.now();
  const child = spawn('sh', ['-c', script, 'sh', ...command], {
    stdio: [line, line, 'ignore', 'pipe'],
    detached: true,
  });
  let [times, hostRssBytes] = ['', 0];
  const sampler = setInterval(() => {
    hostRssBytes = Math.max(hostRssBytes, highWaterMark(childOf(child.pid)));
  }, 50);
  child.stdio[3]?.on('data', (text: Buffer) => {
    times += text.toString();
  });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => child.pid && process.kill(-child.pid, 'SIGKILL'), TIMEOUT_MS);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      clearInterval(sampler);
      const seconds = (performance.now() - startedAt) / 1_000;
      if (code === 0) resolve({ seconds, hostCpuSeconds: childSeconds(times), hostRssBytes });
      else reject(new Error(`${command[0]} ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}

/** The program that the shell waits for. */
function childOf(shell: number | undefined): string | undefined {
  try {
    return fs.readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

/** The second line is the children's: user and system, as `0m1.230000s`. */
function childSeconds(times: string): number {
  const fields = [...(times.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  return fields.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}

export async function mustBeEqual(bench: BenchGuest, file: string): Promise<void> {
  const { createHash } = await import('node:crypto');
  const expected = createHash('sha256').update(fs.readFileSync(file)).digest('hex');
  const found = await bench.guest.sha256(path.posix.join(workDirectory, path.basename(file)));
  if (found !== expected) throw new Error('what arrived is not what was sent');
}
