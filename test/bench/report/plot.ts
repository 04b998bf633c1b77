/** The run as one SVG: a panel of bars a case, in two columns; for cost against size panels of points. */
import type { BenchResult, CaseResult } from '../sample.ts';
import { barPanel } from './barPanel.ts';
import { sizePanels } from './sizePanel.ts';
import { type Panel, text } from './svg.ts';

const COLUMN_WIDTH = 470;
const MARGIN = 16;
const HEAD_HEIGHT = 46;

/** Their own report is the table: bars of rates, or of several links on one axis, would show nothing. */
const unplotted = ['delta', 'compression', 'receivers'];

export function plotResult(result: BenchResult): string {
  const panels = result.cases.filter(({ id }) => !unplotted.includes(id)).flatMap(plotCase);
  const bottoms = [HEAD_HEIGHT, HEAD_HEIGHT];
  const placed = panels.map(panel => {
    const column = (bottoms[0] ?? 0) <= (bottoms[1] ?? 0) ? 0 : 1;
    const y = bottoms[column] ?? 0;
    bottoms[column] = y + panel.height + MARGIN;
    return `<g transform="translate(${MARGIN + column * (COLUMN_WIDTH + MARGIN)} ${y})">${panel.content}</g>`;
  });
  const [width, height] = [2 * COLUMN_WIDTH + 3 * MARGIN, Math.max(...bottoms)];
  const { processors = '', virtualisation = '', hypervisor = '' } = result.machine;
  const caption = `${processors}, ${virtualisation}, ${hypervisor}: median of the repeats, line from the least to the most`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>Guestwire's benchmark: rates of all ways</title>
${STYLE}
<rect class="ground" width="${width}" height="${height}" rx="8"/>
${text(MARGIN, 28, caption, 'quiet')}
${placed.join('\n')}
</svg>
`;
}

function plotCase(result: CaseResult): Panel[] {
  return result.id === 'sizes' ? sizePanels(result, COLUMN_WIDTH) : [barPanel(result, COLUMN_WIDTH)];
}

/** A ground of its own in both schemes, so that it is readable wherever it is shown. */
const STYLE = `<style>
  text { font: 12px system-ui, sans-serif; fill: #1c2b30 }
  .title { font-weight: 600; font-size: 13px }
  .quiet { fill: #5a6b70 }
  .ground { fill: #ffffff }
  .axis { stroke: #c4cfd2; stroke-width: 1 }
  .whisker { stroke: #1c2b30; stroke-width: 1.5 }
  .own { fill: #0e8a8a }
  .course { fill: none; stroke: #0e8a8a; stroke-width: 1.5 }
  .raw { fill: #a3b3b8 }
  .peer { fill: #e0a458 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e4ecee }
    .quiet { fill: #9fb0b5 }
    .ground { fill: #12191c }
    .axis { stroke: #3b484d }
    .whisker { stroke: #e4ecee }
    .own { fill: #2fb8b3 }
    .course { stroke: #2fb8b3 }
    .raw { fill: #6d7f85 }
    .peer { fill: #b9803a }
  }
</style>`;
