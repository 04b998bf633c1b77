export type Engine = typeof import('./engine.ts');

let loaded: Promise<Engine> | undefined;

export function loadEngine(): Promise<Engine> {
  loaded ??= import('./engine.ts');
  return loaded;
}
