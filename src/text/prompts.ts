/** What may be at the other end of a line where a receiver was looked for. */
export type Occupant =
  | 'login' // asks for a name or a password
  | 'shell' // shows a shell's prompt
  | 'terminal'; // echoes what is sent, as shells, logins and forgotten ports do

const LOGIN = /(login|password|passwort|username|ログイン|パスワード)[^:]*:\s*$/i;
/**
 * POSIX shells, U-Boot and PowerShell end their prompts with a blank; Windows' console and cmd.exe don't. A blank behind
 * "45%" is a boot loader's progress rather than a prompt.
 */
const SHELL = /([$#>]|(^|[^\d])%) +$|(SAC|[a-z]:\\[^>]*)>\s*$/i;

/** Who waits for input behind such a line, as a terminal shows it; undefined where nobody seems to. */
export function promptOf(line: string): 'login' | 'shell' | undefined {
  if (LOGIN.test(line)) return 'login';
  return SHELL.test(line) ? 'shell' : undefined;
}
