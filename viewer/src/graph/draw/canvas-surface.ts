import { Raster } from './raster.js';

/** A canvas that follows its element's size and the screen's pixels, and is drawn when something has changed: once a frame at most. */
export class CanvasSurface {
  readonly pen: CanvasRenderingContext2D;
  /** Device pixels of a CSS pixel. */
  ratio = 1;
  private pixels: Raster | undefined;
  private frame = 0;
  private readonly sizes: ResizeObserver;
  private screen: MediaQueryList | undefined;

  /** @param draw fills the canvas, which is empty; it is called in an animation frame */
  constructor(
    readonly canvas: HTMLCanvasElement,
    private readonly draw: () => void,
  ) {
    const pen = canvas.getContext('2d');
    if (!pen) throw new Error('This browser gives no canvas to draw on; allow canvases, or use the table.');
    this.pen = pen;
    // Reports the first size too, before the browser shows the element.
    this.sizes = new ResizeObserver(this.fit);
    this.sizes.observe(canvas);
  }

  /** Pixels of the whole canvas, made when first asked for. */
  readonly raster = (): Raster => {
    const { width, height } = this.canvas;
    if (this.pixels?.image.width !== width || this.pixels.image.height !== height) {
      this.pixels = new Raster(this.pen.createImageData(width, height));
    }
    return this.pixels;
  };

  /** Draws in the next frame. */
  invalidate(): void {
    if (this.frame === 0) this.frame = requestAnimationFrame(this.paint);
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    this.sizes.disconnect();
    this.screen?.removeEventListener('change', this.fit);
  }

  private readonly fit = (): void => {
    this.ratio = window.devicePixelRatio || 1;
    // A query holds for one ratio: when the window moves to another screen, it is asked anew.
    this.screen?.removeEventListener('change', this.fit);
    this.screen = window.matchMedia(`(resolution: ${this.ratio}dppx)`);
    this.screen.addEventListener('change', this.fit);
    const { clientWidth, clientHeight } = this.canvas;
    this.canvas.width = Math.round(clientWidth * this.ratio);
    this.canvas.height = Math.round(clientHeight * this.ratio);
    // To set the size empties the canvas: it is drawn before the browser shows it.
    cancelAnimationFrame(this.frame);
    this.paint();
  };

  private readonly paint = (): void => {
    this.frame = 0;
    const { width, height } = this.canvas;
    if (width === 0 || height === 0) return;
    this.pen.clearRect(0, 0, width, height);
    this.draw();
  };
}
