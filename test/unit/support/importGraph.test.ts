import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { folderGraph, ringsOf } from '../../support/importGraph.ts';

const graphOf = (edges: Record<string, string[]>) =>
  new Map(Object.entries(edges).map(([from, to]) => [from, new Set(to)]));

describe('import circles', () => {
  it('are none where all imports run downwards, however many ways lead there', () => {
    assert.deepEqual(ringsOf(graphOf({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] })), []);
  });

  it('are found behind what is not part of them, each with a way around', () => {
    const rings = ringsOf(graphOf({ a: ['b'], b: ['c'], c: ['b', 'd'], d: ['d'] }));
    assert.deepEqual(rings, [
      ['b', 'c', 'b'],
      ['d', 'd'],
    ]);
  });

  it('of folders join what their files import; files at the top of a layer are in none', () => {
    const files = graphOf({
      'src/ui/a/one.ts': ['src/ui/b/one.ts', 'src/ui/top.ts'],
      'src/ui/b/one.ts': ['src/text/x.ts'],
      'src/ui/b/deep/two.ts': ['src/ui/a/two.ts'],
      'src/ui/top.ts': ['src/ui/a/one.ts'],
    });
    assert.deepEqual(ringsOf(folderGraph(files, 'ui')), [['src/ui/a', 'src/ui/b', 'src/ui/a']]);
  });
});
