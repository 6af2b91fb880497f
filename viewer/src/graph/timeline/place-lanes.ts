import type { Rectangles } from '../layout.js';
import { eventRows } from './event-rows.js';
import type { LaneSamples } from './lanes.js';

/** CSS pixels. */
export const AXIS_HEIGHT = 26;
export const ROW_HEIGHT = 16;
const BUSY_HEIGHT = 26;
const LANE_GAP = 5;

/** A lane on the screen. Heights are in CSS pixels, tops from that of the first lane. */
export interface PlacedLane {
  samples: LaneSamples;
  open: boolean;
  top: number;
  height: number;
  /** Of a lane of events. */
  events?: Rectangles;
}

/** Puts lanes below each other: a closed one shows how busy its thread was, an open one the stacks too. Events are always shown whole. */
export function placeLanes(lanes: LaneSamples[], open: ReadonlySet<number>): PlacedLane[] {
  let top = 0;
  return lanes.map((samples) => {
    const events = samples.events ? eventRows(samples) : undefined;
    const isOpen = !events && open.has(samples.index);
    const rows = events ? events.rows.length - 1 : isOpen ? samples.deepest : 0;
    const height = (events ? 0 : BUSY_HEIGHT) + rows * ROW_HEIGHT;
    const placed = { samples, open: isOpen, top, height, ...(events && { events }) };
    top += height + LANE_GAP;
    return placed;
  });
}

/** CSS pixels of all lanes. */
export function heightOf(lanes: PlacedLane[]): number {
  const last = lanes.at(-1);
  return last ? last.top + last.height + LANE_GAP : 0;
}

/** The height of the strip that shows how busy a lane was; events have none. */
export function busyHeight({ events }: PlacedLane): number {
  return events ? 0 : BUSY_HEIGHT;
}
