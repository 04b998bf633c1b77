/** The QEMU guest agent's `guest-file-write`, over a virtio channel of its own. */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import readline from 'node:readline';
import { agentPort, type BenchGuest, workDirectory } from '../guest/benchGuest.ts';
import { peerDirectory } from '../guest/peerPrograms.ts';
import type { Sample } from '../sample.ts';
import { mustBeEqual } from './terminalPeer.ts';

/**
 * Straight on the agent's socket, not through `virsh qemu-agent-command`: libvirt's limit on strings would cap a write
 * at 3 MB, and a process a call would cost the agent what is not its fault.
 */
export async function agentCopy(bench: BenchGuest, file: string, chunkBytes: number): Promise<Sample> {
  await bench.clear();
  await startAgent(bench);
  const agent = new AgentSocket(bench.guest.portSocket(agentPort));
  try {
    await agent.call('guest-ping', {});
    const [used, wireBefore] = [await bench.count(), agent.wireBytes];
    const startedAt = performance.now();
    const destination = path.posix.join(workDirectory, path.basename(file));
    const handle = await agent.call('guest-file-open', { path: destination, mode: 'wb' });
    for await (const chunk of fs.createReadStream(file, { highWaterMark: chunkBytes })) {
      await agent.call('guest-file-write', { handle, 'buf-b64': (chunk as Buffer).toString('base64') });
    }
    await agent.call('guest-file-close', { handle });
    const seconds = (performance.now() - startedAt) / 1_000;
    const usage = { ...(await used()), wireBytes: agent.wireBytes - wireBefore };
    await mustBeEqual(bench, file);
    return { bytes: fs.statSync(file).size, seconds, ...usage };
  } finally {
    agent.close();
    // What is still in its buffers after a failure must not meet the next copy.
    await bench.guest.run('kill -KILL $(cat /run/agent.pid)');
  }
}

async function startAgent(bench: BenchGuest): Promise<void> {
  const link = `port=$(grep -lx ${agentPort} /sys/class/virtio-ports/*/name); port=\${port%/name}; device=/dev/\${port##*/}`;
  const start = `setsid ${peerDirectory}/qemu-ga -m virtio-serial -p $device -t /run >/dev/null 2>/run/qga.log & echo $! > /run/agent.pid`;
  await bench.guest.mustRun(`${link}; ${start}`);
}

class AgentSocket {
  readonly #socket: net.Socket;
  readonly #lines: AsyncIterator<string>;

  constructor(socketPath: string) {
    this.#socket = net.connect(socketPath);
    this.#lines = readline.createInterface({ input: this.#socket })[Symbol.asyncIterator]();
  }

  /** @returns the `return` member; one call at a time, as the agent has it. */
  async call(execute: string, argumentsOfCall: object): Promise<unknown> {
    const request = `${JSON.stringify({ execute, arguments: argumentsOfCall })}\n`;
    if (!this.#socket.write(request)) await once(this.#socket, 'drain');
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the guest agent closed its channel');
    const answer = JSON.parse(value) as { return?: unknown; error?: { desc: string } };
    if (answer.error) throw new Error(`the guest agent: ${answer.error.desc}`);
    return answer.return;
  }

  /** Of both directions. */
  get wireBytes(): number {
    return this.#socket.bytesWritten + this.#socket.bytesRead;
  }

  close(): void {
    this.#socket.destroy();
  }
}
