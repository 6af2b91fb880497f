export type { ColorScheme } from './color/coloring.js';
export { changeColor, kindColor, packageColor, type Theme } from './color/palette.js';
export { detailsOf, nameOf } from './details.js';
export { FlameGraph, type FlameGraphProps } from './flame/FlameGraph.js';
export { matchedTotal, matchFrames } from './search.js';
export { Timeline, type TimelineProps } from './timeline/Timeline.js';
export { applyTransforms, type Transform, type Transformed } from './transforms/apply.js';
export { type Folded, foldRuns, openRuns, runAt, runText } from './transforms/fold.js';
export { type FunctionName, findPath, pathOf } from './transforms/functions.js';
