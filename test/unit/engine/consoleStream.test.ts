import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { ConsoleStream } from '../../../src/engine/console/consoleStream.ts';
import { pollUntil } from '../../support/polling.ts';

/** A device that takes a write only when it is told to. */
class FakeDevice extends Duplex {
  readonly written: Buffer[] = [];
  takesAll = true;
  #held: (() => void) | undefined;

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    this.written.push(chunk);
    if (this.takesAll) callback();
    else this.#held = callback;
  }

  takeMore(): void {
    this.takesAll = true;
    this.#held?.();
  }

  get text(): string {
    return Buffer.concat(this.written).toString();
  }
}

function open() {
  const device = new FakeDevice();
  const texts: string[] = [];
  const ends: unknown[] = [];
  const stream = new ConsoleStream(device, {
    onText: text => texts.push(text),
    onEnd: error => ends.push(error),
  });
  return { device, stream, texts, ends };
}

describe("a console's bytes", () => {
  it('become text wherever they are cut', async () => {
    const { device, texts } = open();
    for (const byte of Buffer.from('æ—–雪🙂\x1b[31m')) device.push(Buffer.from([byte]));
    await pollUntil('all came', () => texts.join('') === 'æ—–雪🙂\x1b[31m');
    assert.ok(!texts.join('').includes('\ufffd'));
  });

  it('come in batches, and no faster than a terminal takes them', async () => {
    const { device, texts } = open();
    const bytes = Buffer.alloc(200_000, 'x');
    const start = performance.now();
    device.push(bytes);
    await pollUntil('all came', () => texts.join('').length === bytes.length);
    assert.ok(texts.every(text => text.length <= 32 * 1024));
    // Six pauses lie between seven batches; a timer may be early by some of a millisecond.
    assert.ok(performance.now() - start > 6 * 14);
  });

  it('leave the rest in the device when there are more than that', async () => {
    const { device } = open();
    let pushed = 0;
    while (device.push(Buffer.alloc(16 * 1024)) && pushed < 1000) pushed += 1;
    assert.ok(pushed < 10, 'the stream asks for a pause');
  });

  it('are followed by the end, with what was left of a cut character', async () => {
    const { device, texts, ends } = open();
    device.push(Buffer.from([0x61, 0xe2]));
    device.push(null);
    await pollUntil('it ended', () => ends.length > 0);
    assert.deepEqual([texts.join(''), ends], ['a\ufffd', [undefined]]);
  });

  it('end once, with the error', async () => {
    const { device, ends } = open();
    device.destroy(new Error('gone'));
    await pollUntil('it ended', () => ends.length > 0);
    await new Promise(resolve => setImmediate(resolve));
    assert.equal(ends.length, 1);
    assert.match(String(ends[0]), /gone/);
  });
});

describe("a console's input", () => {
  it('arrives whole and in order, however large', async () => {
    const { device, stream } = open();
    const paste = Array.from({ length: 40_000 }, (_, index) => `${index}\r`).join('');
    assert.equal(stream.send(paste), true);
    assert.equal(stream.send('雪'), true);
    await pollUntil('all is written', () => device.text.length === paste.length + 1);
    assert.equal(device.text, `${paste}雪`);
    assert.ok(device.written.every(chunk => chunk.length <= 4096));
  });

  it('waits for a device that takes nothing, and can be dropped', async () => {
    const { device, stream } = open();
    device.takesAll = false;
    stream.send('x'.repeat(100_000));
    assert.equal(device.written.length, 1);
    assert.equal(stream.dropPending(), 100_000 - 4096);
    stream.send('\x03');
    device.takeMore();
    await pollUntil('the rest came', () => device.text.endsWith('\x03'));
    assert.equal(device.text.length, 4096 + 1);
  });

  it('is refused whole when far too much waits', () => {
    const { device, stream } = open();
    device.takesAll = false;
    assert.equal(stream.send('x'.repeat(8 * 1024 * 1024)), true);
    assert.equal(stream.send('y'.repeat(8192)), false);
    assert.ok(stream.pendingBytes <= 8 * 1024 * 1024);
  });

  it('is refused after the end', async () => {
    const { device, stream, ends } = open();
    device.destroy();
    await pollUntil('it ended', () => ends.length > 0);
    assert.equal(stream.send('x'), false);
  });
});
