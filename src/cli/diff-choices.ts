import type { Order } from '../collector/query/changes';
import type { Frames } from '../collector/store';

/** How a comparison is printed. */
export const diffFormats = ['text', 'markdown', 'json'] as const;
export type DiffFormat = (typeof diffFormats)[number];

/** What a row of it is. */
export const diffGroupings = ['function', 'line', 'file', 'package'] as const satisfies readonly Frames[];
/** What A is taken for to be compared: as much time as B, or as many requests. */
export const diffUnits = ['second', 'request'] as const;
export type DiffUnit = (typeof diffUnits)[number];
/** Which change comes first. */
export const diffOrders = ['self', 'total'] as const satisfies readonly Order[];
