import { copyToLastGuest } from './copyToLastGuest.ts';

/**
 * The same, for the Explorer's menu. Under a name of its own, for beside the other's the menu would show its key, which
 * does not know what is selected there.
 */
export const copySelectedToLastGuest = copyToLastGuest;
