import { setTimeout as delay } from 'node:timers/promises';
import * as vscode from 'vscode';
import { isShellPrompt } from '../../install/console/answers.ts';
import type { Candidate } from '../../link/index.ts';
import type { OpenConsole } from '../console/consoles.ts';
import { l10n } from '../support/l10n.ts';
import type { InstallParts } from './installParts.ts';

const LOOK_MS = 250;
/** A boot's messages may end like a prompt for a moment. */
const STEADY_LOOKS = 4;

/**
 * Opens the domain's console and waits until somebody has logged in there. Types nothing.
 *
 * @returns undefined if the user cancels, or the console is closed
 */
export async function openUpToPrompt(
  parts: InstallParts,
  candidate: Candidate,
): Promise<OpenConsole | undefined> {
  const open = parts.consoles.show(parts.place, candidate);
  const location = vscode.ProgressLocation.Notification;
  const title = l10n.t('Log in on the console. The installation continues at the shell prompt');
  const found = await vscode.window.withProgress({ location, title, cancellable: true }, (_, token) =>
    awaitPrompt(
      open,
      () => token.isCancellationRequested || parts.consoles.get(parts.place, candidate) !== open,
    ),
  );
  return found ? open : undefined;
}

async function awaitPrompt({ session }: OpenConsole, isOver: () => boolean): Promise<boolean> {
  let before = '';
  let wasTried = false;
  for (let steady = 0; steady < STEADY_LOOKS; ) {
    if (isOver() || (wasTried && session.state === 'ended')) return false;
    wasTried ||= session.state !== 'ended';
    const { lastLine } = session;
    steady = session.state === 'open' && isShellPrompt(lastLine) && lastLine === before ? steady + 1 : 0;
    before = lastLine;
    await delay(LOOK_MS);
  }
  return true;
}
