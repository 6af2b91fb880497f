import type { Pen, Surface } from '../../../viewer/src/graph/draw/paint.js';
import { TextFit } from '../../../viewer/src/graph/draw/text-fit.js';

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
  fill: unknown;
  alpha: number;
}

/** Pixels of a character in the fonts of tests. */
export const CHARACTER = 7;

/** A context that keeps what is drawn instead of drawing it. */
export class RecordingPen implements Pen {
  fillStyle: Pen['fillStyle'] = '';
  strokeStyle: Pen['strokeStyle'] = '';
  lineWidth = 1;
  font = '';
  textBaseline: Pen['textBaseline'] = 'alphabetic';
  globalAlpha = 1;
  boxes: Box[] = [];
  texts: { text: string; x: number; y: number; fill: unknown }[] = [];
  images: unknown[] = [];
  rings: Omit<Box, 'fill' | 'alpha'>[] = [];

  fillRect(left: number, top: number, width: number, height: number): void {
    this.boxes.push({ left, top, width, height, fill: this.fillStyle, alpha: this.globalAlpha });
  }
  strokeRect(left: number, top: number, width: number, height: number): void {
    this.rings.push({ left, top, width, height });
  }
  putImageData(image: ImageData, ...[x, y, left, top, width, height]: number[]): void {
    this.images.push({ image, x, y, left, top, width, height });
  }
  fillText(text: string, x: number, y: number): void {
    this.texts.push({ text, x, y, fill: this.fillStyle });
  }
}

export const surface = (ratio = 1): Surface => ({
  text: 'text',
  faint: 'faint',
  gap: 'gap',
  focus: 'focus',
  font: '12px font',
  ratio,
});

export const monospace = () => new TextFit((text) => Array.from(text).length * CHARACTER);
