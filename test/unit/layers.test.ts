// The layers of src, as their tsconfigs and imports say: what is referenced is imported and the other way round, and no
// import leads up or round.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { repositoryRoot } from '../support/paths.ts';

interface Import {
  /** Both relative to the repository; `to` is a package's name where it's none of ours. */
  readonly from: string;
  readonly to: string;
}

const STATEMENT =
  /(?:^|\n)\s*(?:import|export)\b(?:[^'";]*?\bfrom)?\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/g;

/** From the statement's text alone: it's the compiler's task to see that it leads anywhere. */
function importsOf(file: string): Import[] {
  const text = fs.readFileSync(path.join(repositoryRoot, file), 'utf8');
  const withoutComments = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  return [...withoutComments.matchAll(STATEMENT)].map(([, statement, call]) => {
    const to = statement ?? call ?? '';
    return { from: file, to: to.startsWith('.') ? path.posix.join(path.posix.dirname(file), to) : to };
  });
}

function filesBelow(folder: string): string[] {
  return fs
    .readdirSync(path.join(repositoryRoot, folder), { recursive: true, encoding: 'utf8' })
    .map(name => path.posix.join(folder, name.replaceAll(path.sep, '/')))
    .filter(name => name.endsWith('.ts') && !name.endsWith('.d.ts') && !name.includes('node_modules'));
}

/** A layer is a folder of `src`; `extension.ts` is compiled with `ui`. */
function layerOf(file: string): string {
  if (file === 'libvirt') return 'libvirt';
  if (file === 'src/extension.ts') return 'ui';
  return /^src\/([^/]+)\//.exec(file)?.[1] ?? '';
}

const layers = fs
  .readdirSync(path.join(repositoryRoot, 'src'), { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .map(({ name }) => name);
const imports = filesBelow('src').flatMap(importsOf);

function layersImportedBy(layer: string): string[] {
  const wanted = imports.filter(({ from }) => layerOf(from) === layer).map(({ to }) => layerOf(to));
  return [...new Set(wanted)].filter(name => name !== '' && name !== layer).sort();
}

function referencesIn(config: string): string[] {
  const text = fs.readFileSync(path.join(repositoryRoot, config), 'utf8');
  const { references = [] } = JSON.parse(text) as { references?: { path: string }[] };
  return references.map(reference => path.posix.join(path.posix.dirname(config), reference.path)).sort();
}

/** A ring of names, from one back to itself; undefined where there is none. */
function ringIn(edges: ReadonlyMap<string, Iterable<string>>): string[] | undefined {
  const cleared = new Set<string>();
  const follow = (name: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(name)) return [...trail.slice(trail.indexOf(name)), name];
    if (cleared.has(name)) return undefined;
    for (const next of edges.get(name) ?? []) {
      const ring = follow(next, [...trail, name]);
      if (ring) return ring;
    }
    cleared.add(name);
    return undefined;
  };
  for (const name of edges.keys()) {
    const ring = follow(name, []);
    if (ring) return ring;
  }
  return undefined;
}

/** Which folder directly below the layer's root a file is in; '' for the root itself. */
function folderOf(layer: string, file: string): string {
  const root = layer === 'libvirt' ? 'src/libvirt/src/' : `src/${layer}/`;
  const below = file.startsWith(root) ? file.slice(root.length) : '';
  return below.includes('/') ? below.slice(0, below.indexOf('/')) : '';
}

function foldersImported(layer: string): Map<string, Set<string>> {
  const edges = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    if (layerOf(from) !== layer || layerOf(to) !== layer) continue;
    const [folder, other] = [folderOf(layer, from), folderOf(layer, to)];
    if (folder === '' || other === '' || folder === other) continue;
    edges.set(folder, (edges.get(folder) ?? new Set()).add(other));
  }
  return edges;
}

describe('layers', () => {
  for (const layer of layers) {
    it(`${layer} references exactly the layers it imports`, () => {
      const expected = layersImportedBy(layer).map(name => `src/${name}`);
      assert.deepEqual(referencesIn(`src/${layer}/tsconfig.json`), expected);
    });

    it(`${layer} has no ring among its folders`, () => {
      assert.equal(ringIn(foldersImported(layer))?.join(' → '), undefined);
    });
  }

  it('import each other in one direction only', () => {
    const edges = new Map(layers.map(layer => [layer, layersImportedBy(layer)]));
    assert.equal(ringIn(edges)?.join(' → '), undefined);
  });

  it('are all compiled by the root project', () => {
    const references = referencesIn('tsconfig.json');
    for (const layer of layers) assert.ok(references.includes(`src/${layer}`), layer);
  });

  it('import vscode only in ui and extension.ts', () => {
    const others = imports.filter(({ from, to }) => to === 'vscode' && layerOf(from) !== 'ui');
    assert.deepEqual(others, []);
    assert.ok(imports.some(({ to }) => to === 'vscode'));
  });

  it('of libvirt know nothing of the rest', () => {
    assert.deepEqual(layersImportedBy('libvirt'), []);
  });
});

describe('rings', () => {
  it('are found wherever they begin', () => {
    const edges = { a: ['b'], b: ['c'], c: ['b'] };
    assert.deepEqual(ringIn(new Map(Object.entries(edges))), ['b', 'c', 'b']);
    assert.equal(
      ringIn(
        new Map([
          ['a', ['b', 'c']],
          ['b', ['c']],
        ]),
      ),
      undefined,
    );
  });
});
