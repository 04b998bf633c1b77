/**
 * `npm start`: boots the demo guest and copies a real text into it with com-dd, over the 16550A serial port and over the
 * virtio channel, so that one command shows what Guestwire does and how fast.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { bootGuest, type Guest } from './guest.ts';
import { ensureLibvirtd } from './libvirtd.ts';
import { cacheRoot, repositoryRoot } from './paths.ts';
import { run } from './processes.ts';

/** "Implementation of a cooperative VMM…": 1 MB to a Windows 7 guest's NULL device over a 16550A, mean of ten. */
const PAPER_BYTES_PER_SECOND = 51_770;
const LABEL_WIDTH = 30;
const DEMO_LINKS = [
  { link: 'serial1', label: 'isa-serial (16550A)' },
  { link: 'org.guestwire.0', label: 'virtio channel' },
];

const node = process.execPath;
const comDd = path.join(repositoryRoot, 'dist/com-dd.js');

say('Building com-dd…');
await run(node, [path.join(repositoryRoot, 'esbuild.config.mjs')], { cwd: repositoryRoot });
const text = writeDemoText();
say('Booting the demo guest (the first time its image is built, which takes a minute or two)…');
const libvirtd = await ensureLibvirtd();
try {
  const guest = await bootGuest({ uri: libvirtd.uri, name: 'demo' });
  try {
    await demonstrate(guest);
  } finally {
    await guest.destroy();
  }
} finally {
  await libvirtd.stop();
}

async function demonstrate(guest: Guest): Promise<void> {
  const rates: Array<[string, number]> = [];
  for (const { link, label } of DEMO_LINKS) {
    const destination = `/tmp/${link}.txt`;
    say(`\n$ com-dd --link ${link} ${guest.name} ${path.basename(text)} ${destination}`);
    const output = await runComDd(['--connect', guest.uri, '--link', link, guest.name, text, destination]);
    rates.push([label, Number(/(\d+) bytes\/s/.exec(output)?.[1])]);
    say(`in the guest: ${(await guest.mustRun(`ls -l ${destination}; sha256sum ${destination}`)).trim()}`);
  }
  say(`\n${' '.repeat(LABEL_WIDTH)}   bytes/s`);
  for (const [label, bytesPerSecond] of rates) sayRate(label, bytesPerSecond);
  sayRate('the paper (16550A, Windows 7)', PAPER_BYTES_PER_SECOND);
}

/** Shows what com-dd shows, and gives back what it said at the end. */
function runComDd(args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(node, [comDd, ...args], { stdio: ['inherit', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      process.stdout.write(text);
    });
    child.on('error', reject);
    child.on('close', code =>
      code === 0 ? resolve(output) : reject(new Error(`com-dd: exit code ${code}`)),
    );
  });
}

/** Guestwire's own documents and sources, one behind the other: a few hundred kB of real text. */
function writeDemoText(): string {
  const file = path.join(cacheRoot, 'guestwire-sources.txt');
  fs.mkdirSync(cacheRoot, { recursive: true });
  fs.writeFileSync(file, '');
  for (const folder of ['guest', 'src'].map(name => path.join(repositoryRoot, name))) {
    const names = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
    for (const name of names.filter(
      entry => /\.(ts|py|md|mjs|sh)$/.test(entry) && !entry.includes('node_modules'),
    ))
      fs.appendFileSync(file, fs.readFileSync(path.join(folder, name)));
  }
  return file;
}

function sayRate(label: string, bytesPerSecond: number): void {
  const times = (bytesPerSecond / PAPER_BYTES_PER_SECOND).toFixed(1);
  const rate = Math.round(bytesPerSecond).toLocaleString('en').padStart(10);
  say(`${label.padEnd(LABEL_WIDTH)}${rate}   ${times} × the paper`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
