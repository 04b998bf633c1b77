import fs from 'node:fs';
import path from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import { repositoryRoot } from './paths.ts';

export interface MeasuredFile {
  /** From the top of the checkout. */
  readonly name: string;
  /** Of src: `ui`, `libvirt`…; files beside the layers are of `src`. */
  readonly layer: string;
  readonly lines: number;
  /** Lines that hold nothing but comment, and all others but the empty ones. */
  readonly commentLines: number;
  readonly codeLines: number;
  /** Every function, arrow and method that has a body. */
  readonly functions: readonly { line: number; lines: number }[];
  readonly imports: readonly { specifier: string }[];
}

interface Span {
  readonly start: number;
  readonly end: number;
}

export function measureFile(name: string): MeasuredFile {
  const text = fs.readFileSync(path.join(repositoryRoot, name), 'utf8');
  const { program, module, comments, errors } = parseSync(name, text);
  if (errors.length > 0) throw new Error(`${name}: ${errors[0]?.message}`);
  const lineAt = lineFinder(text);
  const functions = functionsOf(program).map(({ start, end }) => ({
    line: lineAt(start),
    lines: lineAt(end - 1) - lineAt(start) + 1,
  }));
  const exported = module.staticExports.flatMap(({ entries }) =>
    entries.map(one => one.moduleRequest?.value),
  );
  const specifiers = [...module.staticImports.map(one => one.moduleRequest.value), ...exported];
  const [, layer = ''] = name.split('/');
  return {
    name,
    layer: layer.endsWith('.ts') ? 'src' : layer,
    lines: text.split('\n').length - 1,
    ...countLines(text, comments),
    functions,
    imports: [...new Set(specifiers)].flatMap(specifier => (specifier ? [{ specifier }] : [])),
  };
}

/** A method counts from its name on. */
function functionsOf(program: Parameters<Visitor['visit']>[0]): Span[] {
  const found: Span[] = [];
  const starts = new Map<number, number>();
  const note = ({ start, end, body }: Span & { body?: unknown }): void => {
    if (body) found.push({ start: starts.get(start) ?? start, end });
  };
  const noteStart = ({ start, value }: Span & { value: Span | null }): void => {
    if (value) starts.set(value.start, start);
  };
  new Visitor({
    MethodDefinition: noteStart,
    Property: noteStart,
    FunctionDeclaration: note,
    FunctionExpression: note,
    ArrowFunctionExpression: note,
  }).visit(program);
  return found;
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return offset => starts.findLastIndex(start => start <= offset) + 1;
}

function countLines(text: string, comments: readonly Span[]): { commentLines: number; codeLines: number } {
  const withoutComments = comments.reduceRight(
    (rest, { start, end }) =>
      rest.slice(0, start) + rest.slice(start, end).replaceAll(/\S/g, ' ') + rest.slice(end),
    text,
  );
  const isFilled = (line: string) => line.trim() !== '';
  const codeLines = withoutComments.split('\n').filter(isFilled).length;
  return { commentLines: text.split('\n').filter(isFilled).length - codeLines, codeLines };
}
