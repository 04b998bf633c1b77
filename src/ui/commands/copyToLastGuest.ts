import { l10n } from '../support/l10n.ts';
import { tell } from '../support/tell.ts';
import type { Command } from './command.ts';
import { sourceUris } from './copyToGuest.ts';

/** The argument of the keyboard shortcut while the Explorer has the focus. */
const BY_KEY_IN_EXPLORER = 'explorer';

/** Copies to where the last copy went, without asking. */
export const copyToLastGuest: Command = async ({ copyFlow }, clicked, selected) => {
  if (clicked === BY_KEY_IN_EXPLORER) return explainExplorer();
  const uris = await sourceUris(clicked, selected);
  return uris.length > 0 ? copyFlow.copyToLast(uris) : undefined;
};

/** VS Code passes the Explorer's selection to menu commands only, and the editor's file would be the wrong one. */
function explainExplorer(): void {
  tell.info(
    l10n.t(
      'Keyboard shortcuts can\'t see the Explorer selection. Use "{0}" in the context menu (Shift+F10).',
      l10n.t('Copy to Last Guest VM'),
    ),
  );
}
