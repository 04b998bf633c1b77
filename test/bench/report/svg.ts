export interface Panel {
  height: number;
  content: string;
}

export function text(
  x: number,
  y: number,
  content: string,
  kind = '',
  anchor: 'start' | 'middle' | 'end' = 'start',
): string {
  const kindAttribute = kind === '' ? '' : ` class="${kind}"`;
  return `<text x="${rounded(x)}" y="${rounded(y)}" text-anchor="${anchor}"${kindAttribute}>${escapeText(content)}</text>`;
}

export function line(x1: number, y1: number, x2: number, y2: number, kind: string): string {
  return `<line x1="${rounded(x1)}" y1="${rounded(y1)}" x2="${rounded(x2)}" y2="${rounded(y2)}" class="${kind}"/>`;
}

export function rectangle(x: number, y: number, width: number, height: number, kind: string): string {
  return `<rect x="${rounded(x)}" y="${rounded(y)}" width="${rounded(width)}" height="${rounded(height)}" rx="2" class="${kind}"/>`;
}

export function circle(x: number, y: number, radius: number, kind: string): string {
  return `<circle cx="${rounded(x)}" cy="${rounded(y)}" r="${radius}" class="${kind}"/>`;
}

/** A tenth of a pixel is finer than anyone sees. */
function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeText(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
