// VS Code shows one line of a notification that has no button, and cuts off the rest.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { repositoryRoot } from '../../support/paths.ts';

const ui = path.join(repositoryRoot, 'src/ui');
const sources = fs
  .readdirSync(ui, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.ts') && name !== path.join('support', 'tell.ts'))
  .map(name => path.join(ui, name));

describe('notifications', () => {
  it('that nobody answers go through `tell`, which gives long ones a button', () => {
    const unanswered = [...sources, path.join(repositoryRoot, 'src/extension.ts')].filter(file =>
      /void vscode\.window\.show\w+Message\(/.test(fs.readFileSync(file, 'utf8')),
    );
    assert.ok(sources.length > 50);
    assert.deepEqual(unanswered, []);
  });
});
