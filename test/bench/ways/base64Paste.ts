/** What people do without any tool: a file as base64, pasted into a shell. */
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { type BenchGuest, type Port, type Trigger, workDirectory } from '../guest/benchGuest.ts';
import type { Sample } from '../sample.ts';
import { mustBeEqual } from './terminalPeer.ts';

const LINE_CHARACTERS = 76;
const END_OF_FILE = '\x04';
const TIMEOUT_MS = 300_000;

/** Line editing is off: an editing shell echoes every character, and takes several times as long. */
export async function base64Paste(
  bench: BenchGuest,
  port: Port,
  file: string,
  trigger?: Trigger,
): Promise<Sample> {
  await bench.receiver(false);
  await bench.clear();
  await bench.prepareTty(port, trigger);
  // A shell as a login gives it, but for the line's settings, which go with it.
  await bench.guest.mustRun(
    `stty -F ${port.path} sane -echo; setsid sh -c 'exec sh <${port.path} >${port.path} 2>&1' >/dev/null 2>&1 & echo $! > /run/peer.pid`,
  );
  const open = await bench.open(port);
  try {
    const used = await bench.count(port);
    // Quoted in two parts, so that what the shell might show of the command is not taken for the answer.
    open.stream.write(
      `stty -echo; echo be''gin; base64 -d > ${path.posix.join(workDirectory, path.basename(file))}; echo en''d\n`,
    );
    await open.heard('begin', 30_000);
    const startedAt = performance.now();
    await paste(open.stream, fs.readFileSync(file));
    await open.heard('end', TIMEOUT_MS);
    const seconds = (performance.now() - startedAt) / 1_000;
    const usage = await used();
    await mustBeEqual(bench, file);
    return { bytes: fs.statSync(file).size, seconds, ...usage };
  } finally {
    await bench.guest.run('kill -KILL -$(cat /run/peer.pid)');
    await open.close();
  }
}

async function paste(stream: NodeJS.WritableStream, content: Buffer): Promise<void> {
  const lines = content.toString('base64').replaceAll(new RegExp(`.{1,${LINE_CHARACTERS}}`, 'g'), '$&\n');
  if (!stream.write(`${lines}${END_OF_FILE}`)) await once(stream, 'drain');
}
