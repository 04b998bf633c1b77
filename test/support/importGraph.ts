import path from 'node:path';
import type { MeasuredFile } from './measureFile.ts';

/** What imports what, types too. */
export type Graph = ReadonlyMap<string, ReadonlySet<string>>;

export function fileGraph(files: readonly MeasuredFile[]): Graph {
  const names = new Set(files.map(({ name }) => name));
  const importedBy = ({ name, imports }: MeasuredFile) =>
    imports.map(({ specifier }) => path.join(path.dirname(name), specifier)).filter(file => names.has(file));
  return new Map(files.map(file => [file.name, new Set(importedBy(file))]));
}

/** The same between a layer's folders, of which those at its top count; a file beside them is in none. */
export function folderGraph(graph: Graph, layer: string): Graph {
  const top = layer === 'libvirt' ? 'src/libvirt/src' : `src/${layer}`;
  const folderOf = (name: string): string | undefined => {
    const [folder, ...rest] = path.relative(top, name).split('/');
    return folder === undefined || folder === '..' || rest.length === 0 ? undefined : `${top}/${folder}`;
  };
  const folders = new Map<string, Set<string>>();
  for (const [name, imported] of graph) {
    const from = folderOf(name);
    if (from === undefined) continue;
    const known = folders.get(from) ?? new Set();
    folders.set(from, known);
    for (const to of [...imported].map(folderOf)) if (to !== undefined && to !== from) known.add(to);
  }
  return folders;
}

/** For each circle one way around it. */
export function ringsOf(graph: Graph): string[][] {
  const rings: string[][] = [];
  const done = new Set<string>();
  const visit = (node: string, way: readonly string[]): void => {
    const start = way.indexOf(node);
    if (start >= 0) rings.push([...way.slice(start), node]);
    if (start >= 0 || done.has(node)) return;
    for (const next of graph.get(node) ?? []) visit(next, [...way, node]);
    done.add(node);
  };
  for (const node of graph.keys()) visit(node, []);
  return rings;
}
