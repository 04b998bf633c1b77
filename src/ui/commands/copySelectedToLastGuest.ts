import { copyToLastGuest } from './copyToLastGuest.ts';

/**
 * copyToLastGuest in the Explorer's menu. It has its own id, because the menu would show copyToLastGuest's keyboard
 * shortcut, which can't see what is selected there.
 */
export const copySelectedToLastGuest = copyToLastGuest;
