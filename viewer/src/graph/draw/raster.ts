import type { Area } from './paint.js';

/** The part of an `ImageData` that is written to. */
export type Image = Pick<ImageData, 'data' | 'width' | 'height'>;

/**
 * Boxes as pixels of an image of the whole canvas. Tens of thousands of calls of a canvas take longer than a frame lasts; the same pixels written by hand, a
 * tenth of that, however many boxes there are.
 */
export class Raster {
  private readonly pixels: Uint32Array;

  constructor(readonly image: Image) {
    this.pixels = new Uint32Array(image.data.buffer);
  }

  /**
   * Replaces what is in an area by boxes in rows of the same height.
   * @param boxes left, top and width of each, one list for each colour
   * @param colors as `pixelOf` makes them
   * @param tops of the rows
   */
  replace(
    area: Area,
    boxes: readonly (number[] | undefined)[],
    colors: number[],
    tops: number[],
    height: number,
  ): void {
    const { width } = this.image;
    const bottom = Math.min(this.image.height, area.top + area.height);
    const clear = Math.max(0, area.top);
    this.pixels.fill(0, clear * width, bottom * width);
    const firstLine = (top: number) => Math.max(clear, top);
    for (const [filled, box] of boxes.entries()) {
      if (!box) continue;
      const color = colors[filled] as number;
      for (let at = 0; at < box.length; at += 3) {
        const line = firstLine(box[at + 1] as number);
        if (line >= bottom) continue;
        const from = line * width + (box[at] as number);
        const to = from + (box[at + 2] as number);
        for (let pixel = from; pixel < to; pixel++) this.pixels[pixel] = color;
      }
    }
    // All lines of a row are like its first.
    for (const top of tops) {
      const line = firstLine(top);
      const behind = Math.min(bottom, top + height);
      for (let y = line + 1; y < behind; y++)
        this.pixels.copyWithin(y * width, line * width, (line + 1) * width);
    }
  }
}

/**
 * A pixel of an image, as every processor that a browser runs on has it in memory.
 * @param color `#rrggbb`
 * @param alpha 0 to 1
 */
export function pixelOf(color: string, alpha: number): number {
  const rgb = Number.parseInt(color.slice(1), 16);
  const [red, green, blue] = [rgb >> 16, (rgb >> 8) & 255, rgb & 255];
  return ((Math.round(alpha * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
