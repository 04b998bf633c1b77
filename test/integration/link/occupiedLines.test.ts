// A serial port of a real guest on which somebody else is: shells and logins get nothing that they'd execute, redirect or
// remember, and what they do get is taken back.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Domain, LibvirtConnection } from 'libvirt';
import { chooseCandidate, openLink, parseDomainDevices, rankCandidates } from '../../../src/link/index.ts';
import { buildComDd, type ComDdResult, startComDd } from '../../support/comDd.ts';
import { type Guest, quoteForShell } from '../../support/guest.ts';
import { ensureShells } from '../../support/guestShells.ts';
import { isSoon, pollUntil } from '../../support/polling.ts';
import { SetUp } from '../../support/setUp.ts';
import { screenOf } from './screen.ts';

interface Occupant {
  readonly name: string;
  /** Runs with its own folder, which is HOME, as current directory. */
  readonly command: string;
  /** The screen's last line. */
  readonly prompt: RegExp;
  /** What com-dd says of it; undefined where nobody can know. */
  readonly said: string | undefined;
  /** Typed before, each with the line that's waited for. */
  readonly before?: readonly (readonly [typed: string, prompt: RegExp])[];
  /** Typed to get a shell's prompt afterwards. */
  readonly login?: readonly (readonly [typed: string, prompt: RegExp])[];
  /** Makes the shell write its history. */
  readonly save?: string;
}

const A_SHELL = 'a shell waits there';
const A_TERMINAL = 'a terminal is there, such as a shell or a login';
const PROMPT = /[#$] ?$/;
const LOGIN = / login:$/;
const PASSWORD = /^Password:$/;
/** Of "open sesame". */
const PASSWORD_HASH = '$5$saltsalt$yrhPKxCqiWcCE9h0g86j6Ugz7SDFdFm.BjU.d8RaQnC';
const HISTORY = '.history';
/** For what was sent to reach the guest, and its echo to come back. */
const SCREEN_MS = 20_000;
const ON_PORT = '<> /dev/ttyS1 >&0 2>&1';

const bash: Occupant = {
  name: 'bash',
  command: `bash --norc -i ${ON_PORT}`,
  prompt: PROMPT,
  said: A_SHELL,
  save: 'history -w',
};

const occupants: readonly Occupant[] = [
  bash,
  {
    name: 'bash without bracketed paste',
    command: `env TERM=dumb bash --norc -i ${ON_PORT}`,
    prompt: PROMPT,
    said: A_SHELL,
    save: 'history -w',
  },
  { name: 'dash', command: `dash -i ${ON_PORT}`, prompt: PROMPT, said: A_TERMINAL },
  { name: 'zsh in colours', command: `zsh -i ${ON_PORT}`, prompt: PROMPT, said: A_TERMINAL },
  { name: 'busybox ash', command: `ash -i ${ON_PORT}`, prompt: PROMPT, said: A_SHELL },
  {
    name: 'busybox getty and login',
    command: 'getty -L 115200 ttyS1 vt220',
    prompt: LOGIN,
    said: A_TERMINAL,
    login: [['tester', PROMPT]],
  },
  {
    name: 'agetty',
    command: 'agetty -L -l /bin/login ttyS1 115200 vt220',
    prompt: LOGIN,
    said: A_TERMINAL,
    login: [['tester', PROMPT]],
  },
  {
    name: 'a login that waits for a password in silence',
    command: 'getty -L 115200 ttyS1 vt220',
    prompt: LOGIN,
    said: undefined,
    before: [['guarded', PASSWORD]],
    login: [['open sesame', PROMPT]],
  },
];

const ZSHRC = `PS1='%~ %# '
zle_highlight=(default:fg=green,bold)
HISTFILE=~/${HISTORY} HISTSIZE=100 SAVEHIST=100
setopt INC_APPEND_HISTORY
`;

describe('a serial port with somebody else', () => {
  const setUp = new SetUp();
  const folder = setUp.folder('occupied');
  const source = path.join(folder, 'source');
  let guest: Guest;
  let connection: LibvirtConnection;
  let domain: Domain;
  /** In the recording. */
  let startedAt = 0;

  before(async () => {
    await buildComDd();
    fs.writeFileSync(source, 'content\n');
    await setUp.libvirtd();
    guest = await setUp.guest({
      name: 'occupied',
      recordSerial1: true,
      furtherDevices: '<serial type="pty"><target type="isa-serial" port="2"/></serial>',
      furtherFiles: [await ensureShells()],
      receiverPorts: ['/dev/ttyS2'],
    });
    connection = await setUp.connection();
    domain = await connection.lookupByName(guest.name);
    const users = `tester::1000:1000::/tmp/home:/bin/sh
guarded:${PASSWORD_HASH}:1001:1001::/tmp/home:/bin/sh
`;
    await guest.mustRun(`printf %s ${quoteForShell(users)} >> /etc/passwd`);
  });

  afterEach(() => leave());

  /** Starts somebody on serial1, in an empty folder, and waits for the prompt. */
  async function occupy({ command, prompt, before: typed = [] }: Occupant): Promise<void> {
    await guest.mustRun('rm -rf /tmp/home; mkdir -m 777 /tmp/home; stty -F /dev/ttyS1 sane 115200');
    await guest.mustRun(`printf %s ${quoteForShell(ZSHRC)} > /tmp/home/.zshrc; chmod 666 /tmp/home/.zshrc`);
    startedAt = guest.serial1Recording().length;
    const environment = `HOME=/tmp/home HISTFILE=/tmp/home/${HISTORY} TERM=xterm TERMINFO=/lib/terminfo`;
    const script = `echo $$ > /run/occupant; cd /tmp/home; export ${environment}; exec ${command}`;
    await guest.mustRun(`setsid sh -c ${quoteForShell(script)} < /dev/null > /dev/null 2>&1 &`);
    await shows(prompt);
    for (const [text, next] of typed) await type(text, () => shows(next));
  }

  async function leave(): Promise<void> {
    await guest.run(
      'pid=$(cat /run/occupant) && kill -KILL $pid && while [ -d /proc/$pid ]; do usleep 50000; done',
    );
  }

  /** Since somebody was started there. */
  const shown = () => screenOf(guest.serial1Recording().slice(startedAt));
  const shows = (prompt: RegExp) =>
    pollUntil(`${prompt} on serial1`, () => prompt.test(shown().at(-1) ?? ''));
  const files = () => guest.mustRun('cd /tmp/home; for file in $(ls -A); do wc -c $file; done');

  /** QEMU looks only now and then whether somebody is at the host's end, so that has to stay open until it has worked. */
  async function type(text: string, hasWorked: () => Promise<unknown>): Promise<void> {
    const devices = parseDomainDevices(await connection.domainXml(domain));
    const candidate = chooseCandidate(rankCandidates(devices), 'serial1', guest.name);
    const { stream } = await openLink(connection, domain, candidate);
    stream.resume().write(`${text}\r`);
    try {
      await hasWorked();
    } finally {
      const closed = new Promise(resolve => stream.once('close', resolve));
      stream.end();
      await closed;
    }
  }

  function copy(link: string): Promise<ComDdResult> {
    const to = ['--connect', guest.uri, '--link', link, '--json', '--conflict', 'overwrite'];
    return startComDd([...to, guest.name, source, '/tmp/copy']).result;
  }

  /** Runs com-dd; the screen is again as it was, and the folder has nothing new. */
  async function withoutTrace(link: string): Promise<ComDdResult> {
    const screen = shown();
    const before = await files();
    const result = await copy(link);
    if (!(await isSoon(() => isDeepStrictEqual(shown(), screen), SCREEN_MS)))
      assert.deepEqual(shown(), screen);
    assert.equal(await files(), before);
    return result;
  }

  for (const occupant of occupants)
    it(`is left as it was: ${occupant.name}`, async () => {
      await occupy(occupant);
      const named = await withoutTrace('serial1');
      assert.notEqual(named.code, 0);
      const said = occupant.said ? `serial1 \\(${occupant.said}\\)\\.` : 'serial1\\.';
      assert.match(named.stderr, new RegExp(said));

      const found = await withoutTrace('auto');
      assert.equal(found.code, 0, found.stderr);
      assert.equal(JSON.parse(found.stdout).link, 'serial2');

      for (const [text, prompt] of occupant.login ?? []) await type(text, () => shows(prompt));
      await type('echo alive > /tmp/home/proof', () => reads('proof', /^alive$/m));
      if (occupant.save) await type(occupant.save, () => reads(HISTORY, /./));
      const lines = (await readFile(HISTORY)).split('\n').filter(line => line !== '');
      assert.ok(
        lines.every(line => /echo alive|history -w/.test(line)),
        lines.join('\n'),
      );
    });

  it('gets back what was sent when com-dd is interrupted', async () => {
    // Raw, without an echo: com-dd goes on knocking.
    const reader = 'stty raw -echo; : > /tmp/heard; exec cat > /tmp/heard';
    await guest.mustRun(
      `setsid sh -c 'echo $$ > /run/occupant; exec < /dev/ttyS1; ${reader}' > /dev/null 2>&1 &`,
    );
    const heard = async () => (await guest.run('cat /tmp/heard')).stdout.replaceAll('\x15', 'U');
    const { child, result } = startComDd([
      '--connect',
      guest.uri,
      '--link',
      'serial1',
      guest.name,
      source,
      '/tmp/copy',
    ]);
    await pollUntil('it has knocked', async () => /4757\d{20}/.test(await heard()));
    child.kill('SIGINT');
    const { code, stderr } = await result;
    assert.ok(code === 130 || /No receiver/.test(stderr), `${code}: ${stderr}`);
    await pollUntil('all is erased', async () => /^(4757\d{20}U)+$/.test(await heard()));
  });

  it('does not keep a copy from the channel', async () => {
    await occupy(bash);
    await guest.mustRun(
      'setsid python3 /guestwire/receiver.py /dev/virtio-ports/org.guestwire.0 < /dev/null > /dev/null 2>&1 & echo $! > /run/second',
    );
    await pollUntil('the channel is taken', async () => {
      const { code, stdout } = await withoutTrace('auto');
      assert.equal(code, 0);
      return JSON.parse(stdout).link === 'org.guestwire.0';
    });
    await guest.mustRun('kill $(cat /run/second)');
  });

  it('is named by a search that finds no receiver', async () => {
    await occupy(bash);
    await guest.killReceiver();
    const result = await withoutTrace('auto');
    assert.notEqual(result.code, 0);
    assert.match(result.stderr, new RegExp(`serial1 \\(${A_SHELL}\\)[^(]*serial2`));
  });

  const readFile = async (name: string) => (await guest.run(`cat /tmp/home/${name}`)).stdout;

  const reads = (name: string, content: RegExp) =>
    pollUntil(`${name} has ${content}`, async () => content.test(await readFile(name)));
});
