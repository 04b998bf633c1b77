// What Guestwire does and how fast, in a terminal: a real text copied with com-dd over the 16550A serial port and over
// the virtio channel.
import { spawn } from 'node:child_process';
import path from 'node:path';
import type { Guest } from './guest.ts';
import { repositoryRoot } from './paths.ts';

/** "Implementation of a cooperative VMM…": 1 MB to a Windows 7 guest's NULL device over a 16550A, mean of ten. */
const PAPER_BYTES_PER_SECOND = 51_770;
const LABEL_WIDTH = 30;
const DEMO_LINKS = [
  { link: 'serial1', label: 'isa-serial (16550A)' },
  { link: 'org.guestwire.0', label: 'virtio channel' },
];

/** Prints as it goes, and at the end the rates beside the paper's. */
export async function demonstrate(guest: Guest, file: string): Promise<void> {
  const rates: Array<[string, number]> = [];
  for (const { link, label } of DEMO_LINKS) {
    const destination = `/tmp/${link}.txt`;
    say(`\n$ com-dd --link ${link} ${guest.name} ${path.basename(file)} ${destination}`);
    const output = await runComDd(['--connect', guest.uri, '--link', link, guest.name, file, destination]);
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
    const program = path.join(repositoryRoot, 'dist/com-dd.js');
    const child = spawn(process.execPath, [program, ...args], { stdio: ['inherit', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      process.stdout.write(text);
    });
    child.on('error', reject);
    child.on('close', code =>
      code === 0 ? resolve(output) : reject(new Error(`com-dd ended with exit code ${code}`)),
    );
  });
}

function sayRate(label: string, bytesPerSecond: number): void {
  const times = (bytesPerSecond / PAPER_BYTES_PER_SECOND).toFixed(1);
  const rate = Math.round(bytesPerSecond).toLocaleString('en').padStart(10);
  say(`${label.padEnd(LABEL_WIDTH)}${rate}   ${times} × the paper`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
