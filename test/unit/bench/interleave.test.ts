import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interleave, interleaveGroups } from '../../bench/interleave.ts';
import type { Way } from '../../bench/sample.ts';

/** Ways that write down when it was their turn. */
function recorder() {
  const turns: string[] = [];
  const way = (name: string, repeats?: number): Way => ({
    name,
    ...(repeats === undefined ? {} : { repeats }),
    run: async () => {
      turns.push(name);
      return { bytes: 1, seconds: 1 };
    },
  });
  return { turns, way };
}

test('each round begins one way further on', async () => {
  const { turns, way } = recorder();
  await interleave('case', 'title', 3, [way('a'), way('b'), way('c')]);
  assert.deepEqual(turns, ['a', 'b', 'c', 'b', 'c', 'a', 'c', 'a', 'b']);
});

test('a way with fewer repeats is in the first rounds, so that its ratios have a partner', async () => {
  const { way } = recorder();
  const { rows } = await interleave('case', 'title', 3, [way('often'), way('seldom', 2)]);
  assert.deepEqual(
    rows.map(({ samples }) => samples.map(({ round }) => round)),
    [
      [0, 1, 2],
      [0, 1],
    ],
  );
});

test('the ways of a group take turns without others in between', async () => {
  const { turns, way } = recorder();
  const { rows } = await interleaveGroups('case', 'title', 2, [
    [way('a'), way('b')],
    [way('c'), way('d')],
  ]);
  assert.deepEqual(turns, ['a', 'b', 'c', 'd', 'b', 'a', 'd', 'c']);
  assert.deepEqual(
    rows.map(row => row.way),
    ['a', 'b', 'c', 'd'],
  );
});

test('a way that fails loses its repeat and says why; the others go on', async () => {
  const { turns, way } = recorder();
  const broken: Way = { name: 'broken', run: () => Promise.reject(new Error('no line')) };
  const { rows } = await interleave('case', 'title', 2, [broken, way('a')]);
  assert.deepEqual(turns, ['a', 'a']);
  assert.deepEqual(rows[0], { way: 'broken', samples: [], failures: ['no line', 'no line'] });
});
