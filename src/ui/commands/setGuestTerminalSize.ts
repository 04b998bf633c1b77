import { isShellPrompt } from '../../install/console/answers.ts';
import { l10n } from '../support/l10n.ts';
import { tell } from '../support/tell.ts';
import type { Command } from './command.ts';

/** Types `stty` into the shell of the console that is used now: a serial line can't tell the guest its window's size. */
export const setGuestTerminalSize: Command = ({ consoles }, terminal) => {
  const session = consoles.find(terminal)?.session;
  if (session?.state === 'open' && isShellPrompt(session.lastLine)) return session.input(session.sizeCommand);
  tell.info(
    l10n.t('Select a serial console that shows a shell prompt. The size is set by a command typed there.'),
  );
};
