import { between, type Viewport } from './viewport.js';

const MILLISECONDS = 180;

/** Moves a viewport to another one in a short time, or at once where the reader wants less motion. */
export class Motion {
  private frame = 0;

  /** @param show is called with every viewport on the way, the last one included */
  constructor(private readonly show: (view: Viewport) => void) {}

  move(from: Viewport, to: Viewport): void {
    this.stop();
    if (window.matchMedia('(prefers-reduced-motion: reduce)').matches) {
      this.show(to);
      return;
    }
    const began = performance.now();
    const step = (now: number): void => {
      const time = Math.min(1, Math.max(0, (now - began) / MILLISECONDS));
      this.frame = time < 1 ? requestAnimationFrame(step) : 0;
      this.show(between(from, to, 1 - (1 - time) ** 3));
    };
    this.frame = requestAnimationFrame(step);
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
  }
}
