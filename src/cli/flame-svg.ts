import {
  CHARACTER,
  FONT_SIZE,
  INDENT,
  label,
  MARGIN,
  RESET_RIGHT,
  SEARCH_RIGHT,
  USABLE,
  WIDTH,
} from './flame-geometry';
import { FLAME_SCRIPT } from './flame-script';
import type { FlameNode } from './flame-tree';
import { formatShare, formatValue } from './format';

const ROW = 18;
const HEADER = 64;
/** Boxes narrower than this share of the picture are left out: nobody could see or click them. */
const LEAST_SHARE = 1 / 10_000;

const COLOURS: Record<FlameNode['kind'], { fill: string; legend: string }> = {
  app: { fill: '#f2854b', legend: 'your code' },
  package: { fill: '#f3c455', legend: 'packages' },
  node: { fill: '#8fc27a', legend: 'Node.js' },
  native: { fill: '#8fb3dc', legend: 'native' },
  gc: { fill: '#c795d0', legend: 'garbage collection' },
  thread: { fill: '#d9d9d9', legend: 'threads' },
};

/**
 * A flame graph as one SVG file that needs nothing else: click to zoom, search by pattern. It has a size in pixels, so
 * that no viewer shrinks a tall one to the height of its window; the script widens it to the window's width.
 */
export function flameSvg(root: FlameNode, title: string, unit: string): string {
  const boxes: string[] = [];
  let depth = 0;
  // Not recursive: other tools' stacks can be deeper than our own.
  const waiting = root.value > 0 ? [{ node: root, start: 0, level: 0 }] : [];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { node, start, level } = next;
    if (node.value < root.value * LEAST_SHARE) continue;
    depth = Math.max(depth, level);
    boxes.push(box(node, start, level, root.value, unit));
    // The last one first: what is put down last is taken up next.
    const children = [...node.children.values()].sort((a, b) => b.value - a.value);
    let end = start + children.reduce((sum, { value }) => sum + value, 0);
    for (const child of children.reverse()) {
      end -= child.value;
      waiting.push({ node: child, start: end, level: level + 1 });
    }
  }
  const nothing = `<text x="${MARGIN}" y="${HEADER + 14}">no samples</text>`;
  const height = HEADER + (depth + 1) * ROW + MARGIN;
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="${FONT_SIZE}">
<style>
  .box { cursor: pointer } .box:hover rect { stroke: #000 } .box text { pointer-events: none }
  .faded { opacity: 0.45 } .found rect { fill: #e0409f } .button { cursor: pointer; text-decoration: underline }
</style>
<rect width="100%" height="100%" fill="#fff"/>
<g id="boxes">
${boxes.length > 0 ? boxes.join('\n') : nothing}
</g>
<g id="header">
<rect width="100%" height="${HEADER - 2}" fill="#fff"/>
<text x="${MARGIN}" y="20" font-size="15">${escapeXml(title)}</text>
${legend()}
<text id="reset" class="button" x="${WIDTH - RESET_RIGHT}" y="20" visibility="hidden">reset zoom</text>
<text id="search" class="button" x="${WIDTH - SEARCH_RIGHT}" y="20">search</text>
<text id="details" x="${MARGIN}" y="58"> </text>
</g>
<script><![CDATA[${FLAME_SCRIPT}]]></script>
</svg>
`;
}

function box(node: FlameNode, start: number, level: number, total: number, unit: string): string {
  const left = start / total;
  const share = node.value / total;
  const x = (MARGIN + left * USABLE).toFixed(2);
  const y = HEADER + level * ROW;
  const width = share * USABLE;
  const details = [
    node.name,
    node.place,
    `${formatValue(node.value, unit)} (${formatShare(node.value, total)})`,
  ];
  return (
    `<g class="box" data-left="${left.toFixed(7)}" data-share="${share.toFixed(7)}" data-name="${escapeXml(node.name)}">` +
    `<title>${escapeXml(details.filter((line) => line !== '').join('\n'))}</title>` +
    `<rect x="${x}" y="${y}" width="${Math.max(0.2, width).toFixed(2)}" height="${ROW - 1}" rx="1" fill="${COLOURS[node.kind].fill}"/>` +
    `<text x="${(Number(x) + INDENT).toFixed(2)}" y="${y + 12.5}">${escapeXml(label(node.name, width))}</text></g>`
  );
}

function legend(): string {
  let x = MARGIN;
  const entries: string[] = [];
  for (const { fill, legend: name } of Object.values(COLOURS)) {
    entries.push(
      `<rect x="${x}" y="30" width="11" height="11" fill="${fill}"/><text x="${x + 15}" y="40">${name}</text>`,
    );
    x += 30 + name.length * CHARACTER;
  }
  return entries.join('\n');
}

/** Text for XML: markup escaped, and what XML cannot hold (control characters, lone surrogates) replaced. */
export function escapeXml(text: string): string {
  return text
    .replace(FORBIDDEN, '\uFFFD')
    .replace(/[&<>"'\n\r\t]/g, (character) => `&#${character.charCodeAt(0)};`);
}

// XML 1.0, section 2.2 (Char).
const FORBIDDEN = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;
