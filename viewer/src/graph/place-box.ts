/** Distance of a box from what it belongs to, and from the edges of the window. CSS pixels. */
const DISTANCE = 12;
const MARGIN = 6;

/**
 * Where a tooltip or a menu goes in the window: right of and below a point, or on the other side where it would reach beyond the edge, and always inside.
 * @returns left and top in CSS pixels
 */
export function placeBox(
  point: { clientX: number; clientY: number },
  size: { width: number; height: number },
  window: { width: number; height: number },
): { left: number; top: number } {
  return {
    left: along(point.clientX, size.width, window.width),
    top: along(point.clientY, size.height, window.height),
  };
}

function along(at: number, size: number, whole: number): number {
  const behind = at + DISTANCE;
  const before = at - DISTANCE - size;
  const place = behind + size + MARGIN <= whole ? behind : before;
  return Math.max(MARGIN, Math.min(place, whole - size - MARGIN));
}
