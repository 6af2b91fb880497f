import { FRAME_TEXT, type Theme } from '../color/palette.js';
import type { Surface } from './paint.js';

/** CSS pixels. */
export const FONT_SIZE = 12;
const HATCH = 6;

/** The colours and the font that the page's style sheet gives to an element. */
export function pageSurface(pen: CanvasRenderingContext2D, ratio: number, theme: Theme): Surface {
  const style = getComputedStyle(pen.canvas);
  const color = (name: string, otherwise: string) => style.getPropertyValue(name).trim() || otherwise;
  const faint = color('--muted', '#808080');
  return {
    text: FRAME_TEXT[theme],
    faint,
    gap: hatched(pen, ratio, faint),
    focus: color('--focus', '#3b82f6'),
    font: `${FONT_SIZE * ratio}px ${style.fontFamily}`,
    ratio,
  };
}

function hatched(pen: CanvasRenderingContext2D, ratio: number, color: string): string | CanvasPattern {
  const tile = document.createElement('canvas');
  const size = Math.round(HATCH * ratio);
  tile.width = tile.height = size;
  const brush = tile.getContext('2d');
  if (!brush) return color;
  brush.strokeStyle = color;
  brush.globalAlpha = 0.35;
  brush.lineWidth = ratio;
  brush.beginPath();
  // Three lines, so that the corners of neighbouring tiles meet.
  for (const shift of [-size, 0, size]) {
    brush.moveTo(shift, size);
    brush.lineTo(shift + size, 0);
  }
  brush.stroke();
  return pen.createPattern(tile, 'repeat') ?? color;
}
