// An animated picture of a page: screenshots, each shown for a time of its own, made into a GIF by ffmpeg.
import fs from 'node:fs';
import path from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { findProgram, run } from './processes.ts';

/** Of the pointer's way from one place to the next. */
const STEPS = 8;
const STEP_MS = 40;
/** GIF counts in hundredths of a second, and browsers play what is faster than 50 a second slowly. */
const MIN_FRAME_MS = 100;

interface Frame {
  file: string;
  ms: number;
}

export class Animation {
  readonly #page: Page;
  readonly #folder: string;
  readonly #frames: Frame[] = [];
  #pointer = { x: 0, y: 0 };

  /** Keeps its pictures in a folder of its own. The pointer begins in the middle of the page. */
  static async start(page: Page, folder: string): Promise<Animation> {
    fs.mkdirSync(folder, { recursive: true });
    const animation = new Animation(page, folder);
    await page.evaluate(pointerScript);
    const { width, height } = page.viewportSize() ?? { width: 0, height: 0 };
    await animation.#point(width / 2, height / 2);
    return animation;
  }

  private constructor(page: Page, folder: string) {
    this.#page = page;
    this.#folder = folder;
  }

  /** The page as it is now, shown for so long. */
  async hold(ms: number): Promise<void> {
    const file = path.join(this.#folder, `${String(this.#frames.length).padStart(4, '0')}.png`);
    await this.#page.screenshot({ path: file, caret: 'initial' });
    this.#frames.push({ file, ms });
  }

  /** What happens until then, at its real speed. */
  async follow(end: Promise<unknown>): Promise<void> {
    let ended = false;
    void end
      .catch(() => {})
      .then(() => {
        ended = true;
      });
    while (!ended) {
      const started = performance.now();
      await this.hold(MIN_FRAME_MS);
      await this.#page.waitForTimeout(Math.max(0, MIN_FRAME_MS - (performance.now() - started)));
      const frame = this.#frames.at(-1);
      if (frame) frame.ms = performance.now() - started;
    }
    await end;
  }

  /** Moves the pointer there as a hand does. */
  async moveTo(target: Locator): Promise<void> {
    const box = await target.boundingBox();
    if (!box) throw new Error('what the pointer is to be taken to is not to be seen');
    const from = this.#pointer;
    const to = { x: box.x + Math.min(box.width / 2, 60), y: box.y + box.height / 2 };
    for (let step = 1; step <= STEPS; step++) {
      const part = (1 - Math.cos((Math.PI * step) / STEPS)) / 2;
      await this.#point(from.x + (to.x - from.x) * part, from.y + (to.y - from.y) * part);
      await this.hold(STEP_MS);
    }
  }

  async #point(x: number, y: number): Promise<void> {
    this.#pointer = { x, y };
    await this.#page.mouse.move(x, y);
  }

  async removePointer(): Promise<void> {
    await this.#page.evaluate("document.getElementById('pointer').remove()");
  }

  /** One palette for all and no dithering: a window has few colours, and what doesn't change then costs nothing. */
  async write(file: string): Promise<void> {
    const list = path.join(this.#folder, 'frames.txt');
    const frames = this.#frames.map(frame => `file '${frame.file}'\nduration ${frame.ms / 1000}\n`);
    // ffmpeg ignores the last duration unless something follows.
    fs.writeFileSync(list, `${frames.join('')}file '${this.#frames.at(-1)?.file}'\n`);
    const palette = 'split[a][b];[a]palettegen=max_colors=128:stats_mode=full[p]';
    const filter = `${palette};[b][p]paletteuse=dither=none:diff_mode=rectangle`;
    await runFfmpeg(
      '-f',
      'concat',
      '-safe',
      '0',
      '-i',
      list,
      '-vf',
      filter,
      '-fps_mode',
      'vfr',
      '-loop',
      '0',
      file,
    );
  }
}

/** Writes a PNG with a palette: a window looks the same, and the file is a third of the size. */
export async function writePng(picture: Buffer, file: string): Promise<void> {
  const large = `${file}.large`;
  fs.writeFileSync(large, picture);
  const filter = 'split[a][b];[a]palettegen=max_colors=256[p];[b][p]paletteuse=dither=none';
  await runFfmpeg(
    '-f',
    'png_pipe',
    '-i',
    large,
    '-vf',
    filter,
    '-compression_level',
    '100',
    '-pred',
    'none',
    file,
  );
  fs.rmSync(large);
}

export function ensureFfmpeg(): string {
  const program = findProgram('ffmpeg');
  if (!program) throw new Error('ffmpeg is missing: install the Debian package ffmpeg');
  return program;
}

async function runFfmpeg(...args: string[]): Promise<void> {
  await run(ensureFfmpeg(), ['-hide_banner', '-loglevel', 'error', '-y', ...args], { timeoutMs: 300_000 });
}

/** A headless browser shows no pointer: draws one where the mouse is. Not from HTML text, which the page would refuse. */
const pointerScript = `(() => {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const arrow = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  arrow.setAttribute('d', 'M1 1 L1 17 L5 13.2 L7.6 19.4 L10.4 18.2 L7.8 12.2 L13 12 Z');
  arrow.setAttribute('fill', 'white');
  arrow.setAttribute('stroke', 'black');
  svg.append(arrow);
  svg.id = 'pointer';
  Object.assign(svg.style, { position: 'fixed', width: '16px', height: '22px', zIndex: '1000000', pointerEvents: 'none' });
  document.body.append(svg);
  addEventListener('mousemove', event => {
    svg.style.left = event.clientX + 'px';
    svg.style.top = event.clientY + 'px';
  }, true);
})()`;
