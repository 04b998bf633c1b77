/** A large file of which the guest has an earlier version, over the slow line. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { type BenchGuest, ports, workDirectory } from '../guest/benchGuest.ts';
import { interleave } from '../interleave.ts';
import type { CaseResult, Sample } from '../sample.ts';
import type { Session } from '../session.ts';
import { guestwireCopy } from '../ways/guestwire.ts';

const CHANGED_PLACES = 20;
const CHANGED_PART = 0.01;
/** Sending it all over a 16550A takes several times as long. */
const TIMEOUT_MS = 240_000;
const destination = path.posix.join(workDirectory, 'large');

export async function delta(session: Session): Promise<CaseResult> {
  const bench = await session.mainGuest();
  const old = session.randomFile(session.scale.deltaBytes);
  const changed = changedCopy(old, path.join(session.directory, 'changed'));
  const touched = path.join(session.directory, 'touched');
  fs.copyFileSync(old, touched);
  const copy = (file: string) => async (): Promise<Sample> => {
    // The earlier version comes over the fast link, and with its own time.
    await guestwireCopy(bench, ports.channel, [old], destination);
    return guestwireCopy(bench, ports.serial, [file], destination, { timeoutMs: TIMEOUT_MS });
  };
  await bench.clear();
  return interleave(
    'delta',
    'isa-serial; a large incompressible file of which the guest has an earlier version',
    session.scale.fewRepeats,
    [
      { name: `1 % changed in ${CHANGED_PLACES} places`, run: copy(changed) },
      { name: 'unchanged, but of another time', run: copy(touched) },
      { name: 'unchanged, of the same time', run: copy(old) },
      { name: 'the guest hashes it', run: () => hashInGuest(bench, session.scale.deltaBytes) },
    ],
  );
}

/** With the receiver's own means, and nothing else going on: what an unchanged file costs at least. */
async function hashInGuest(bench: BenchGuest, bytes: number): Promise<Sample> {
  const script = [
    'import hashlib, time',
    'begin = time.monotonic()',
    `with open("${destination}", "rb") as file: hashlib.file_digest(file, "sha256")`,
    'print(time.monotonic() - begin)',
  ];
  const seconds = await bench.guest.mustRun(`python3 -c '${script.join('\n')}'`, { timeoutMs: 120_000 });
  return { bytes, seconds: Number(seconds) };
}

/** Overwrites pieces spread evenly, each at a random place of its share. */
function changedCopy(source: string, target: string): string {
  const content = fs.readFileSync(source);
  const piece = Math.floor((content.length * CHANGED_PART) / CHANGED_PLACES);
  const share = Math.floor(content.length / CHANGED_PLACES);
  for (let place = 0; place < CHANGED_PLACES; place += 1) {
    crypto.randomFillSync(content, place * share + crypto.randomInt(share - piece), piece);
  }
  fs.writeFileSync(target, content);
  return target;
}
