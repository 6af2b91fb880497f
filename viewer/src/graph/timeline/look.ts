import type { TimelineData } from '../../api/timeline.js';
import { type Coloring, frameColoring } from '../color/coloring.js';
import { kindColor, packageColor, type Theme } from '../color/palette.js';
import { pageSurface } from '../draw/page-surface.js';
import type { Surface } from '../draw/paint.js';
import { TextFit } from '../draw/text-fit.js';
import { eventName } from './describe.js';
import { SELF_KINDS } from './lanes.js';

/** Colours and measured texts of a timeline, which hold until the theme, the screen or the data are others. */
export interface Look {
  surface: Surface;
  text: TextFit;
  ground: string;
  line: string;
  /** Per `SELF_KINDS`. */
  kinds: string[];
  /** Of nodes. */
  stacks: Coloring;
  /** Of samples that are events. */
  events: Coloring;
}

/** Takes them from the page's style sheet and the data. */
export function makeLook(
  pen: CanvasRenderingContext2D,
  ratio: number,
  theme: Theme,
  data: TimelineData,
): Look {
  const surface = pageSurface(pen, ratio, theme);
  const style = getComputedStyle(pen.canvas);
  return {
    surface,
    text: new TextFit((character) => {
      pen.font = surface.font;
      return pen.measureText(character).width;
    }),
    ground: style.getPropertyValue('--ground').trim() || (theme === 'dark' ? '#16171c' : '#fff'),
    line: style.getPropertyValue('--line').trim() || '#8884',
    kinds: SELF_KINDS.map((kind) => kindColor(theme, kind)),
    stacks: frameColoring(data.frames, data.frame, 'kind', theme),
    events: eventColoring(data, theme),
  };
}

/** Garbage collections in their own colour, other events by their name. */
function eventColoring(data: TimelineData, theme: Theme): Coloring {
  const fills: string[] = [];
  const numbers = new Map<string, number>();
  return {
    fills,
    of: (sample) => {
      const name = eventName(data, sample);
      const known = numbers.get(name);
      if (known !== undefined) return known;
      fills.push(/^gc\b|garbage/i.test(name) ? kindColor(theme, 'gc') : packageColor(theme, name));
      numbers.set(name, fills.length - 1);
      return fills.length - 1;
    },
  };
}
