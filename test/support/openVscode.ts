// Opens VS Code with the packaged extension for a person: the desktop's where there is one, else the VS Code server,
// whose window is a page in a browser. Profile and extensions are its own; the user's stay as they are.
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { endProcess, findProgram, listProcesses, run } from './processes.ts';
import { makeRunDirectory, removeRunDirectory } from './runDirectory.ts';
import { installExtension, startVscodeServer, writeSettings } from './vscodeServer.ts';

export interface VscodeOptions {
  vsix: string;
  folder: string;
  /** Opened at the start. */
  file: string;
  settings: Record<string, unknown>;
}

export interface OpenedVscode {
  /** Of the page to open; nothing where a window opened by itself. */
  address?: string;
  /** Resolves when the window is closed or the server has ended. */
  ended: Promise<unknown>;
  /** Ends it and removes its profile. */
  close(): Promise<void>;
}

interface Profile {
  directory: string;
  userDirectory: string;
  extensionsDirectory: string;
}

export async function openVscode(options: VscodeOptions): Promise<OpenedVscode> {
  const directory = makeRunDirectory();
  const userDirectory = path.join(directory, 'user');
  const profile = { directory, userDirectory, extensionsDirectory: path.join(directory, 'extensions') };
  try {
    writeSettings(userDirectory, options.settings);
    const desktop = findDesktop();
    return await (desktop ? openDesktop(desktop, profile, options) : openServer(profile, options));
  } catch (error) {
    await removeRunDirectory(directory);
    throw error;
  }
}

/** In a terminal of a remote window `code` only talks to that window, which can't have another profile. */
function findDesktop(): string | undefined {
  const { DISPLAY, WAYLAND_DISPLAY, VSCODE_IPC_HOOK_CLI } = process.env;
  return (DISPLAY || WAYLAND_DISPLAY) && !VSCODE_IPC_HOOK_CLI ? findProgram('code') : undefined;
}

async function openDesktop(code: string, profile: Profile, options: VscodeOptions): Promise<OpenedVscode> {
  const { directory, userDirectory, extensionsDirectory } = profile;
  const own = [`--user-data-dir=${userDirectory}`, `--extensions-dir=${extensionsDirectory}`];
  // Chromium's sandbox refuses root.
  if (process.getuid?.() === 0) own.push('--no-sandbox');
  await run(code, [...own, '--install-extension', options.vsix]);
  const window = [...own, '--new-window', '--wait', options.folder, options.file];
  // Waits until the window is closed. Its own session: Ctrl-C at the terminal is for us, who then close the window.
  const launcher = spawn(code, window, { detached: true, stdio: 'ignore' });
  return {
    ended: once(launcher, 'exit'),
    async close() {
      // VS Code detaches itself from its launcher, so we find it by the profile folder that no other has.
      const ours = listProcesses(command => command.includes(`--user-data-dir=${userDirectory}\0`));
      await Promise.all(ours.map(one => endProcess(one)));
      await removeRunDirectory(directory);
    },
  };
}

async function openServer(profile: Profile, options: VscodeOptions): Promise<OpenedVscode> {
  const { directory, ...folders } = profile;
  await installExtension(options.vsix, folders);
  // It stays for a while and has the user's terminals, so other users of the machine must be kept out.
  const connectionToken = crypto.randomBytes(16).toString('hex');
  const server = await startVscodeServer({
    ...folders,
    connectionToken,
    runDirectory: directory,
    arguments: ['--default-folder', options.folder],
  });
  // As text: the preview that `workbench.startupEditor` would open stays blank for a long time in a browser.
  const payload = [['openFile', `vscode-remote://${server.authority}${options.file}`]];
  const query = new URLSearchParams({ tkn: connectionToken, payload: JSON.stringify(payload) });
  return {
    address: `http://${server.authority}/?${query}`,
    ended: server.ended,
    async close() {
      await server.stop();
      await removeRunDirectory(directory);
    },
  };
}
