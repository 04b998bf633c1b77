export interface Spread {
  median: number;
  minimum: number;
  maximum: number;
}

/** Undefined of no values. Few repeats: their whole range says more than a quantile would. */
export function spread(values: number[]): Spread | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const [minimum, maximum] = [sorted[0], sorted.at(-1)];
  if (minimum === undefined || maximum === undefined) return undefined;
  const [below, above] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return { median: ((below ?? 0) + (above ?? 0)) / 2, minimum, maximum };
}
