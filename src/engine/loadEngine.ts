export type Engine = typeof import('./index.ts');

let loaded: Promise<Engine> | undefined;

export function loadEngine(): Promise<Engine> {
  loaded ??= import('./index.ts');
  return loaded;
}
