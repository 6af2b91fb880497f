/** A place on an element, in CSS pixels from its top left corner, and on the page's window. */
export interface Point {
  x: number;
  y: number;
  clientX: number;
  clientY: number;
}

export interface GestureHandlers {
  /** The pointer moved without a button; undefined when it left. */
  hover(point: Point | undefined): void;
  click(point: Point): void;
  menu(point: Point): void;
  /** The pointer moves with its button down, by CSS pixels since the last call. */
  drag(point: Point, from: Point, by: { x: number; y: number }, shift: boolean): void;
  dragEnd?(point: Point, from: Point, shift: boolean): void;
  /** Answers whether there was something to zoom. */
  zoom(point: Point, factor: number): boolean;
  /** By CSS pixels. Answers whether there was something to move. */
  pan(by: { x: number; y: number }): boolean;
}

/** CSS pixels that a pointer may move in a click. */
const CLICK_RADIUS = 4;

/** CSS pixels of wheel that zoom by two. */
const PIXELS_PER_ZOOM = 240;

/** A pinch on a touch pad comes as a wheel with the control key and with small steps. */
const PINCH_PIXELS_PER_ZOOM = 60;

const PIXELS_PER_LINE = 16;

/** Turns pointer and wheel events of an element into gestures. The answer ends that. */
export function listen(element: HTMLElement, handlers: GestureHandlers): () => void {
  let from: Point | undefined;
  let last: Point | undefined;
  let dragging = false;
  const point = (event: MouseEvent): Point => {
    const box = element.getBoundingClientRect();
    const { clientX, clientY } = event;
    return { x: clientX - box.left, y: clientY - box.top, clientX, clientY };
  };

  const down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    from = last = point(event);
    dragging = false;
    element.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent): void => {
    const at = point(event);
    if (!from || !last) {
      handlers.hover(at);
      return;
    }
    if (!dragging && Math.hypot(at.x - from.x, at.y - from.y) <= CLICK_RADIUS) return;
    dragging = true;
    handlers.drag(at, from, { x: at.x - last.x, y: at.y - last.y }, event.shiftKey);
    last = at;
  };
  const up = (event: PointerEvent): void => {
    if (!from) return;
    const at = point(event);
    if (dragging) handlers.dragEnd?.(at, from, event.shiftKey);
    else handlers.click(at);
    from = undefined;
  };
  const cancel = (): void => {
    from = undefined;
  };
  const leave = (): void => {
    if (!from) handlers.hover(undefined);
  };
  const menu = (event: MouseEvent): void => {
    event.preventDefault();
    handlers.menu(point(event));
  };
  const wheel = (event: WheelEvent): void => {
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : PIXELS_PER_LINE;
    const x = event.deltaX * unit;
    const y = event.deltaY * unit;
    let done: boolean;
    if (event.altKey) done = handlers.pan({ x: 0, y });
    else if (event.shiftKey) done = handlers.pan({ x: x || y, y: 0 });
    else if (Math.abs(x) > Math.abs(y)) done = handlers.pan({ x, y: 0 });
    else
      done = handlers.zoom(
        point(event),
        2 ** (-y / (event.ctrlKey ? PINCH_PIXELS_PER_ZOOM : PIXELS_PER_ZOOM)),
      );
    // Where nothing moves, the wheel scrolls the page; with the control key it would zoom the page.
    if (done || event.ctrlKey || event.metaKey) event.preventDefault();
  };

  element.addEventListener('pointerdown', down);
  element.addEventListener('pointermove', move);
  element.addEventListener('pointerup', up);
  element.addEventListener('pointercancel', cancel);
  element.addEventListener('pointerleave', leave);
  element.addEventListener('contextmenu', menu);
  element.addEventListener('wheel', wheel, { passive: false });
  return () => {
    element.removeEventListener('pointerdown', down);
    element.removeEventListener('pointermove', move);
    element.removeEventListener('pointerup', up);
    element.removeEventListener('pointercancel', cancel);
    element.removeEventListener('pointerleave', leave);
    element.removeEventListener('contextmenu', menu);
    element.removeEventListener('wheel', wheel);
  };
}
