/**
 * `npm start`: boots the demo guest, shows in the terminal what Guestwire does and how fast, then opens VS Code with the
 * extension, the guest and a folder of things worth copying, until Ctrl-C. `npm start -- --demo` leaves VS Code out, and
 * so does CI, where nobody could press Ctrl-C.
 */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { demonstrate } from './demonstration.ts';
import { bootGuest, type Guest } from './guest.ts';
import { startPrivateLibvirtd, systemLibvirtdAnswers, systemUri } from './libvirtd.ts';
import { openVscode } from './openVscode.ts';
import { repositoryRoot } from './paths.ts';
import { run } from './processes.ts';
import { makeRunDirectory, removeRunDirectory } from './runDirectory.ts';
import { type SampleWorkspace, writeSampleWorkspace } from './sampleWorkspace.ts';
import { ensureVsix } from './vsix.ts';

const GUEST_NAME = 'demo-guest';

const stop = new AbortController();
const stopped = new Promise<void>(resolve => stop.signal.addEventListener('abort', () => resolve()));
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort(name));

try {
  const demoOnly = isDemoOnly();
  if (demoOnly === undefined) process.exitCode = 2;
  else await start(demoOnly);
} catch (error) {
  // What a signal broke off, such as a copy, complains; that is no failure.
  const signal = stop.signal.reason as 'SIGINT' | 'SIGTERM' | 'SIGHUP';
  process.exitCode = stop.signal.aborted ? 128 + os.constants.signals[signal] : 1;
  if (!stop.signal.aborted) process.stderr.write(`guestwire: ${(error as Error).message}\n`);
}

/** Undefined when the arguments are wrong. */
function isDemoOnly(): boolean | undefined {
  const inCi = !['', 'false'].includes(process.env.CI ?? '');
  try {
    const { values } = parseArgs({ options: { demo: { type: 'boolean', default: false } } });
    return values.demo || inCi;
  } catch (error) {
    process.stderr.write(`guestwire: ${(error as Error).message}\n`);
    return undefined;
  }
}

async function start(demoOnly: boolean): Promise<void> {
  say(demoOnly ? 'Building com-dd…' : 'Building com-dd and packaging the extension…');
  const vsix = demoOnly ? await build() : await ensureVsix();
  await withGuest(async (guest, sample) => {
    await demonstrate(guest, sample.sources);
    stop.signal.throwIfAborted();
    if (vsix) await showVscode(vsix, guest, sample);
    else say('\n`npm start` outside CI and without --demo goes on to open VS Code.');
  });
}

async function build(): Promise<undefined> {
  await run(process.execPath, ['esbuild.config.mjs'], { cwd: repositoryRoot });
}

/** The demo guest, under a libvirtd of its own: what the user's runs is not touched. */
async function withGuest(use: (guest: Guest, sample: SampleWorkspace) => Promise<void>): Promise<void> {
  stop.signal.throwIfAborted();
  say('Booting the demo guest (the first time its image is built, which takes a minute or two)…');
  const libvirtd = await startPrivateLibvirtd();
  const directory = makeRunDirectory();
  try {
    const guest = await bootGuest({ uri: libvirtd.uri, domainName: GUEST_NAME });
    try {
      stop.signal.throwIfAborted();
      await use(guest, writeSampleWorkspace(directory));
    } finally {
      await guest.destroy();
    }
  } finally {
    await libvirtd.stop();
    await removeRunDirectory(directory);
  }
}

/** Until Ctrl-C, or until the window is closed. */
async function showVscode(vsix: string, guest: Guest, sample: SampleWorkspace): Promise<void> {
  say('\nOpening VS Code…');
  const own = (await systemLibvirtdAnswers()) ? [systemUri] : [];
  const vscode = await openVscode({
    vsix,
    folder: sample.folder,
    file: sample.readme,
    settings: { 'guestwire.connections': [`${guest.uri}#Demo`, ...own] },
  });
  try {
    if (vscode.address) say(`Open this in a browser of this machine:\n\n  ${vscode.address}\n`);
    say(`Right-click something in the Explorer and choose "Copy to Guest VM": ${guest.name} waits for it.`);
    say('Ctrl-C ends VS Code and the guest.');
    await Promise.race([stopped, vscode.ended]);
    say('\nEnding VS Code and the guest…');
  } finally {
    await vscode.close();
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
