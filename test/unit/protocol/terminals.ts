/**
 * What programs on a line say, recorded from the real ones (bash 5.2, dash 0.5.12, zsh 5.9, busybox 1.35, agetty 2.38; GRUB,
 * Windows and U-Boot after their documentation), to the knock of nonce 0x0badcafe and to its erasing. Somebody who was
 * there before we came says nothing first.
 */
import type { KnockOutcome } from '../../../src/protocol/knock.ts';

export interface Terminal {
  readonly name: string;
  /** While the host listens. */
  readonly first?: string;
  readonly toKnock?: string;
  readonly toErase?: string;
  /** Undefined: nobody. */
  readonly outcome: KnockOutcome | undefined;
}

const KNOCK = '475701959390702131920014';
/** The kernel's echo of Ctrl+U, and busybox getty's and agetty's own. */
const RUBOUT = '\b \b'.repeat(KNOCK.length);
const green = [...KNOCK].map(digit => `\x1b[1m\x1b[32m${digit}`).join('');
const zshErase = `\x1b[24D${'\x1b[0m\x1b[39m '.repeat(KNOCK.length)}\x1b[24D`;
const zshSpacer = `\x1b[1m\x1b[7m#\x1b[27m\x1b[1m\x1b[0m${' '.repeat(79)}\r \r`;
const longPrompt = 'root@a-rather-long-host-name-that-fills-the-line:/usr/share/doc/a/d# ';

/** Their prompt was there before the host came. */
export const quietTerminals: readonly Terminal[] = [
  {
    name: 'bash with bracketed paste',
    toKnock: KNOCK,
    toErase: '\rbash-5.2# \x1b[K',
    outcome: 'shell',
  },
  {
    name: 'bash on a dumb terminal',
    toKnock: KNOCK,
    toErase: `\rbash-5.2# ${' '.repeat(KNOCK.length)}\rbash-5.2# `,
    outcome: 'shell',
  },
  {
    name: 'bash that wraps the line, and writes the digit there twice',
    toKnock: '475701959390\r0702131920014',
    toErase: `\x1b[A-long-host-name-that-fills-the-line:/usr/share/doc/a/d# \x1b[K\r\n\r\x1b[K\x1b[A${longPrompt}`,
    outcome: 'shell',
  },
  {
    name: 'bash that wraps the line among the first digits',
    toKnock: '47570\r01959390702131920014',
    toErase: '\r\x1b[K',
    outcome: 'terminal',
  },
  { name: 'busybox ash', toKnock: KNOCK, toErase: '\r/tmp # \x1b[J', outcome: 'shell' },
  { name: 'dash, for which the kernel echoes', toKnock: KNOCK, toErase: RUBOUT, outcome: 'terminal' },
  {
    name: 'zsh in colours, which writes the first digit twice',
    toKnock: `\x1b[1m\x1b[32m4\b${green}`,
    toErase: zshErase,
    outcome: 'terminal',
  },
  { name: 'agetty', toKnock: KNOCK, toErase: RUBOUT, outcome: 'terminal' },
  { name: 'busybox getty', toKnock: KNOCK, toErase: RUBOUT, outcome: 'terminal' },
  { name: "a login's silent password prompt", outcome: undefined },
  { name: 'a port that nobody has open', outcome: undefined },
  {
    name: 'a getty that is started anew by the knock',
    toKnock: '\r\r\nDebian GNU/Linux 12 vm ttyS1\r\n\r\nvm login: ',
    outcome: 'login',
  },
  {
    name: 'a terminal between whose echoes the kernel speaks',
    toKnock: `${KNOCK.slice(0, 5)}[   12.3] usb 1-1: new${KNOCK.slice(5)}`,
    toErase: RUBOUT,
    outcome: 'terminal',
  },
];

/** They speak up while the host listens, and it sends them nothing. */
export const waitingTerminals: readonly Terminal[] = [
  { name: 'bash', first: 'bash-5.2# ', outcome: 'shell' },
  { name: 'bash with bracketed paste', first: '\x1b[?2004hroot@demo:~# ', outcome: 'shell' },
  {
    name: 'zsh',
    first: `${zshSpacer}\r\x1b[0m\x1b[27m\x1b[24m\x1b[J\x1b[1m\x1b[34mroot@host\x1b[39m\x1b[0m /tmp # \x1b[K\x1b[?2004h`,
    outcome: 'shell',
  },
  { name: 'csh', first: 'demo% ', outcome: 'shell' },
  {
    name: 'busybox ash, which asks for the cursor',
    first: "\r\nEnter 'help' for a list of built-in commands.\r\n\r\n/tmp # \x1b[6n",
    outcome: 'shell',
  },
  { name: 'an unfinished command line', first: '\r\n> ', outcome: 'shell' },
  { name: 'agetty', first: '\r\r\nDebian GNU/Linux 12 vm ttyS1\r\n\r\nvm login: ', outcome: 'login' },
  {
    name: 'busybox getty',
    first: '\r\r\nDebian GNU/Linux 12 vm /dev/ttyS1\r\n\r\r\n\rvm login: ',
    outcome: 'login',
  },
  { name: 'login, which wants a password', first: 'root\r\r\nPassword: ', outcome: 'login' },
  { name: 'a login in Japanese', first: '\r\nパスワード: ', outcome: 'login' },
  { name: 'Windows SAC', first: '\r\n\x1b[0m\x1b[2JSAC>', outcome: 'shell' },
  { name: "cmd.exe in one of SAC's channels", first: '\r\nC:\\Windows\\system32>', outcome: 'shell' },
  { name: 'U-Boot', first: '\r\nHit any key to stop autoboot:  0 \r\n=> ', outcome: 'shell' },
];

/** Speak while the host listens, and wait for nobody: it knocks. */
export const talkers: readonly Terminal[] = [
  { name: 'a boot loader', first: "\r\nGRUB loading.\r\nBooting `Debian'\r\n\r\n", outcome: undefined },
  { name: "a boot loader's progress", first: '\rLoading initrd 45% ', outcome: undefined },
  {
    name: "the kernel's messages",
    first: '[    1.5] cost: 100 $ \r\n[    2.0] eth0: up#\r\n',
    outcome: undefined,
  },
  { name: 'a title that never ends', first: '\x1b]0;root@demo:~# ', outcome: undefined },
  { name: 'half an escape sequence', first: 'x\x1b[3', outcome: undefined },
];
