import type { Transform } from '../graph/index.js';

/** A tab of the page. */
export const TABS = [
  'flame',
  'top',
  'tree',
  'sandwich',
  'compare',
  'timeline',
  'threads',
  'endpoints',
  'packages',
  'labels',
  'profiles',
  'insights',
  'source',
  'exceptions',
  'locks',
] as const;
export type Tab = (typeof TABS)[number];

export const FRAME_SIZES = ['function', 'line', 'file', 'package'] as const;
/** What one frame of a graph stands for. */
export type FrameSize = (typeof FRAME_SIZES)[number];

export const GRAPH_SHAPES = ['flame', 'icicle'] as const;
export type GraphShape = (typeof GRAPH_SHAPES)[number];

export const COLOURS = ['kind', 'package'] as const;
export type Colour = (typeof COLOURS)[number];

export const SORTS = ['self', 'total', 'name'] as const;
export type Sort = (typeof SORTS)[number];

export const COMPARE_LAYOUTS = ['both', 'sides', 'table'] as const;
/** Both selections in one graph, in two graphs side by side, or as a table of functions. */
export type CompareLayout = (typeof COMPARE_LAYOUTS)[number];

export const COMPARE_UNITS = ['second', 'request'] as const;
/** What both sides of a comparison are taken for: as much time, or as many requests. */
export type CompareUnit = (typeof COMPARE_UNITS)[number];

/** A span of time, milliseconds since the epoch. */
export interface Span {
  from: number;
  to: number;
}

/** What the strips show: the last so many milliseconds, or a fixed span. */
export type Window = { last: number } | Span;

/** A function, as its frames name it. */
export interface FunctionKey {
  name: string;
  file: string;
}

/** A line of a file. */
export interface SourcePlace {
  file: string;
  /** 0 for none. */
  line: number;
}

/** How B, the selection of the page, is compared with A. */
export interface Comparison {
  /** `time`, or a tag or label. */
  by: string;
  /** By time: A ends so many milliseconds before B does; 0 for the span just before B. */
  before: number;
  /** By a tag or label: the values of the two. */
  a: string;
  b: string;
  layout: CompareLayout;
  /** By the second where a side does not tell its requests. */
  per: CompareUnit;
  /** Colours that also those who cannot tell red from green tell apart. */
  safeColours: boolean;
}

/** All that says what the page shows. It stands in the address, so that a link and the back button restore it. */
export interface View {
  /** Without one: the service that was seen last. */
  service: string | undefined;
  /** Kind of value. Without one: as the collector chooses. */
  type: string | undefined;
  window: Window;
  /** What is brushed inside the window; it is what everything else shows. */
  brush: Span | undefined;
  live: boolean;
  /** `key:value` or `!key:value`. */
  where: readonly string[];
  /**
   * What has a strip beside that of `type`: kinds of value, and {@link FURTHER_STRIPS}. Without a list it is the usual ones that
   * there is something to show of.
   */
  strips: readonly string[] | undefined;
  tab: Tab;
  shape: GraphShape;
  colour: Colour;
  frames: FrameSize;
  search: string;
  transforms: readonly Transform[];
  /** Whether runs of native and Node.js frames between those of the program are one frame each. */
  fold: boolean;
  /** Runs that are open all the same: paths of nodes of the tree in which all are folded. */
  opened: readonly string[];
  /** Paths of nodes, as `pathKeys` makes them. */
  zoom: string | undefined;
  selected: string | undefined;
  /** Whether the table of functions stands beside the graph. */
  beside: boolean;
  sort: Sort;
  ascending: boolean;
  /** The function of the sandwich, also selected in the tables. */
  of: FunctionKey | undefined;
  /** What the source view shows; without one, the file of the function that is chosen, or the one that costs the most. */
  source: SourcePlace | undefined;
  /** The row of the exceptions or locks whose stacks are shown: what names it, and what names it more closely. */
  row: readonly string[];
  /** Key of the Labels tab. */
  by: string | undefined;
  /** What the lanes of the timeline are zoomed to. */
  lanes: Span | undefined;
  comparison: Comparison;
}

/** What strips show that is no kind of value. */
export const FURTHER_STRIPS = ['loop-delay', 'memory', 'gc-cpu', 'loop-use'] as const;
export type FurtherStrip = (typeof FURTHER_STRIPS)[number];
/** Those of them that nobody has to ask for. */
export const USUAL_STRIPS: readonly FurtherStrip[] = ['loop-delay', 'memory', 'gc-cpu'];

export const HOUR = 3_600_000;

/** The view of an address without parameters. */
export const DEFAULT_VIEW: View = {
  service: undefined,
  type: undefined,
  window: { last: HOUR },
  brush: undefined,
  live: false,
  where: [],
  strips: undefined,
  tab: 'flame',
  shape: 'icicle',
  colour: 'kind',
  frames: 'function',
  search: '',
  transforms: [],
  fold: true,
  opened: [],
  zoom: undefined,
  selected: undefined,
  beside: false,
  sort: 'self',
  ascending: false,
  of: undefined,
  source: undefined,
  row: [],
  by: undefined,
  lanes: undefined,
  comparison: { by: 'time', before: 0, a: '', b: '', layout: 'both', per: 'second', safeColours: false },
};
