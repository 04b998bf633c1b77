import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { pasteCommand } from '../../../src/install/console/pasteCommand.ts';

describe('the command with the receiver in it', () => {
  const receiver = fs.readFileSync(new URL('../../../dist/guest/receiver.py', import.meta.url));

  it('writes the receiver when pasted into a shell, and checks it', () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'guestwire-paste-'));
    try {
      const said = execFileSync('sh', [], { cwd: folder, input: pasteCommand(receiver), encoding: 'utf8' });
      assert.match(said, /^receiver\.py: OK$/m);
      assert.deepEqual(fs.readFileSync(path.join(folder, 'receiver.py')), receiver);
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });

  it('has no line longer than a terminal takes', () => {
    const lines = pasteCommand(receiver).split('\n');
    assert.ok(lines.length > 350, `${lines.length} lines`);
    assert.ok(lines.every(line => line.length < 255));
  });
});
