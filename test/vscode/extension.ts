import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { GuestwireApi } from '../../src/ui/api.ts';

const extensionId = 'guestwire.guestwire';

export function guestwire(): vscode.Extension<GuestwireApi> {
  const extension = vscode.extensions.getExtension<GuestwireApi>(extensionId);
  assert.ok(extension, `${extensionId} is not among the extensions`);
  return extension;
}
