import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { connect, type Domain, type LibvirtConnection, type LibvirtStream } from 'libvirt';
import { ensureLibvirtd, type Libvirtd } from '../../support/libvirtd.ts';
import { pollUntil } from '../../support/polling.ts';
import { randomBytes, randomChunks, seededRandom } from '../../support/random.ts';
import { type ThrowawayDomains, throwawayDomains } from './throwawayDomain.ts';

/** That it happens at all, however busy the machine is; the second it takes is counted in unit tests, by their own clock. */
const SOON_MS = 10_000;

let daemon: Libvirtd;
let connection: LibvirtConnection;
let domains: ThrowawayDomains;
let domain: Domain;

before(async () => {
  daemon = await ensureLibvirtd();
  connection = await connect(daemon.uri);
  domains = await throwawayDomains(connection, 'streams');
  domain = await domains.start('echo');
});

after(async () => {
  await domains.remove();
  await connection.close();
  await daemon.stop();
});

async function close(stream: LibvirtStream): Promise<void> {
  stream.destroy();
  if (!stream.closed) await once(stream, 'close');
}

/** The guest boots in a second or two; until then what is written is lost. */
async function echoConsole(): Promise<LibvirtStream> {
  const stream = await connection.openConsole(domain, 'serial0');
  let heard = '';
  const listen = (bytes: Buffer) => {
    heard += bytes.toString('latin1');
  };
  stream.on('data', listen);
  const knock = setInterval(() => stream.write('?'), 100);
  await pollUntil('the guest echoes', () => heard.includes('?')).finally(() => clearInterval(knock));
  // '!' comes back after everything knocked before it.
  stream.write('!');
  await pollUntil('the guest has echoed all', () => heard.endsWith('!'));
  stream.off('data', listen);
  return stream;
}

test('bytes go through a console to the guest and back', async () => {
  const stream = await echoConsole();
  // 0xff would start the flood.
  const sent = randomBytes(seededRandom(1), 20_000).map(byte => byte & 0x7f);
  const received: Buffer[] = [];
  let total = 0;
  stream.on('data', (bytes: Buffer) => {
    received.push(bytes);
    total += bytes.length;
  });
  for (const chunk of randomChunks(Buffer.from(sent), seededRandom(2), 3_000)) stream.write(chunk);
  await pollUntil('all came back', () => total >= sent.length);
  assert.ok(Buffer.concat(received).equals(sent));
  stream.end();
  await once(stream, 'close');
  assert.equal(stream.errored, null);
});

test('a console can be opened again right after it was closed', async () => {
  for (let i = 0; i < 5; i++) await close(await connection.openConsole(domain, 'serial1'));
});

test('a reader that pauses loses nothing of what the guest says', async () => {
  const stream = await echoConsole();
  stream.write(Buffer.from([0xff]));
  await once(stream, 'data');
  stream.pause();
  await new Promise(resolve => setTimeout(resolve, 500));
  let last: number | undefined;
  let total = 0;
  stream.on('data', (bytes: Buffer) => {
    for (const byte of bytes) {
      if (last !== undefined) assert.equal(byte, (last + 1) & 0xff, `after ${total} bytes`);
      last = byte;
      total++;
    }
  });
  stream.resume();
  await pollUntil('much more came', () => total > 300_000);
  await close(stream);
  // The flood never ends, so the guest does.
  await connection.destroyDomain(domain);
  domain = await connection.startDomain(domain);
});

test('a busy console is tried for some seconds, then reported', async () => {
  const holder = await connection.openConsole(domain, 'serial1');
  const start = performance.now();
  await assert.rejects(connection.openConsole(domain, 'serial1'), { code: 'busy', number: 9 });
  assert.ok(performance.now() - start > 5_000);
  assert.equal(holder.destroyed, false);
  await close(holder);
});

test('a busy console that is freed meanwhile is opened', async () => {
  const holder = await connection.openConsole(domain, 'serial1');
  const opening = connection.openConsole(domain, 'serial1');
  setTimeout(() => holder.destroy(), 500);
  await close(await opening);
});

test('devices that are not there, and a domain that is off', async () => {
  await assert.rejects(connection.openConsole(domain, 'serial7'), { code: 'bad-device' });
  await assert.rejects(connection.openChannel(domain, 'org.example.0'), { code: 'bad-device' });
  const off = await domains.define('off');
  await assert.rejects(connection.openConsole(off, undefined), { code: 'operation-invalid', number: 55 });
});

test('a guest that does not read stalls the stream, and nothing else', async () => {
  const stream = await connection.openChannel(domain, 'org.guestwire.0');
  const stalled = once(stream, 'stalled');
  let taken = 0;
  const fill = () => {
    while (stream.write(Buffer.alloc(64 * 1024))) taken++;
  };
  stream.on('drain', fill);
  fill();
  await stalled;
  assert.ok(taken * 64 * 1024 < 8_000_000, `${taken} writes of 64 KiB were taken`);
  assert.equal(await connection.domainState(domain), 'running');
  const start = performance.now();
  await close(stream);
  assert.ok(performance.now() - start < SOON_MS);
  // The daemon frees the device on its own, within the time that opening waits for it.
  await close(await connection.openChannel(domain, 'org.guestwire.0'));
});

test('destroy() right after too much was written closes within about a second', async () => {
  const stream = await connection.openChannel(domain, 'org.guestwire.0');
  for (let i = 0; i < 100; i++) stream.write(Buffer.alloc(64 * 1024));
  const start = performance.now();
  await close(stream);
  assert.ok(performance.now() - start < SOON_MS);
});

test('when the domain is destroyed its streams end', async () => {
  const idle = await connection.openConsole(domain, 'serial1');
  const writing = await connection.openChannel(domain, 'org.guestwire.0');
  const outcomes: string[] = [];
  idle.on('end', () => outcomes.push('console ended')).on('error', error => assert.fail(error));
  idle.resume();
  writing.on('error', error => outcomes.push((error as Error & { code: string }).code)).resume();
  const fill = () => {
    while (writing.write(Buffer.alloc(64 * 1024)));
  };
  writing.on('drain', fill);
  fill();
  await connection.destroyDomain(domain);
  await pollUntil('both are closed', () => idle.closed && writing.closed);
  assert.deepEqual(outcomes.toSorted(), ['console ended', 'stream-failed']);
  domain = await connection.startDomain(domain);
});
