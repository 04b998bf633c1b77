// A folder with things worth copying, for `npm start` and for the pictures of the README.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from './paths.ts';

/** Some seconds over the virtio channel of an emulated guest, minutes over a serial port. */
const IMAGE_BYTES = 16_000_000;
const LOG_LINES = 2_000;

export interface SampleWorkspace {
  folder: string;
  /** Guestwire's own documents and sources, one behind the other: a few hundred kB of real text. */
  sources: string;
}

/** Makes it anew in `parent`. */
export function writeSampleWorkspace(parent: string): SampleWorkspace {
  const folder = path.join(parent, 'guestwire-demo');
  const write = (name: string, content: string | Buffer): string => {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
    return file;
  };
  write('disk.img', crypto.randomBytes(IMAGE_BYTES));
  write('server.log', logText());
  write('website/index.html', page);
  write('website/style.css', style);
  write('website/images/logo.png', fs.readFileSync(path.join(repositoryRoot, 'media/icon.png')));
  write('README.md', readme);
  return { folder, sources: write('guestwire-sources.txt', sourcesText()) };
}

function sourcesText(): string {
  return ['guest', 'src']
    .map(name => path.join(repositoryRoot, name))
    .flatMap(folder =>
      fs
        .readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter(name => /\.(ts|py|md|mjs|sh)$/.test(name) && !name.includes('node_modules'))
        .sort()
        .map(name => fs.readFileSync(path.join(folder, name), 'utf8')),
    )
    .join('');
}

function logText(): string {
  const start = Date.UTC(2026, 0, 1);
  const line = (_: unknown, index: number): string =>
    `${new Date(start + index * 1500).toISOString()} GET /item/${index % 97} 200 ${12 + ((index * 7) % 40)} ms\n`;
  return Array.from({ length: LOG_LINES }, line).join('');
}

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Hello</title>
    <link rel="stylesheet" href="style.css">
  </head>
  <body>
    <img src="images/logo.png" alt="" width="64">
    <h1>Hello from the host</h1>
  </body>
</html>
`;

const style = `body {
  font: 1.1rem/1.5 system-ui, sans-serif;
  margin: 4rem auto;
  max-width: 40rem;
}
`;

const readme = `# Guestwire: try it

A virtual machine runs beside this window. It has no network: everything goes over its serial port or its virtio channel.

1. Right-click **website** in the Explorer, choose **Copy to Guest VM**, accept the folder: copied, and verified by SHA-256.
2. Copy **disk.img**, and watch the rate in the status bar. Copy it again: what is there already is recognised.
3. Change **website/style.css** and copy it again: you are asked what to do with the file in the guest.
4. Click the Guestwire icon in the activity bar: your domains, their links, and what was copied.
5. Open the **serial console** of the domain from there, press Enter, and look: \`ls -l /\`, \`sha256sum disk.img\`.

The virtio channel is taken by itself because it is the fastest. In the Domains view, **Copy Files Here…** on the serial port \`serial1\` shows what a 16550A of the eighties can do.
`;
