import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, beforeEach } from 'node:test';

/** A folder that is empty when a test of the suite begins, and gone when the suite has ended. */
export function emptyFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'guestwire-unit-'));
  beforeEach(() => {
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(folder);
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}
