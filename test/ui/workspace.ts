import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** A folder with things worth copying, opened in the window under test. */
export class TestWorkspace {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'guestwire-workspace-'));

  /** Writes a file of random bytes, which no compression shortens; gives its SHA-256. */
  add(name: string, bytes: number): string {
    return this.addContent(name, crypto.randomBytes(bytes));
  }

  addContent(name: string, content: string | Buffer): string {
    const file = path.join(this.folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
    return crypto.createHash('sha256').update(content).digest('hex');
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
