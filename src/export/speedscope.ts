import type { ValueType } from '../collector/services';
import type { Samples } from './samples';

/** Units that speedscope knows; others are numbers to it. */
const UNITS: ReadonlySet<string> = new Set([
  'nanoseconds',
  'microseconds',
  'milliseconds',
  'seconds',
  'bytes',
]);

/** A file of speedscope's own form, with a profile for each type: https://www.speedscope.app/file-format-schema.json */
export function speedscope(title: string, types: readonly ValueType[], samples: Samples, by: string): string {
  const { name, file, line } = samples.frames;
  const stacks = [...samples.stacks()];
  return JSON.stringify({
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    exporter: by,
    name: title,
    activeProfileIndex: 0,
    shared: {
      frames: name.map((own, frame) => ({
        name: own,
        ...(file[frame] ? { file: file[frame] } : {}),
        ...(line[frame] ? { line: line[frame] } : {}),
      })),
    },
    profiles: types.map((type, column) => {
      const own = stacks.filter(({ values }) => values[column] !== 0);
      const weights = own.map(({ values }) => values[column] ?? 0);
      return {
        type: 'sampled',
        name: type.name,
        unit: UNITS.has(type.unit) ? type.unit : 'none',
        startValue: 0,
        endValue: weights.reduce((sum, weight) => sum + weight, 0),
        samples: own.map(({ frames }) => frames),
        weights,
      };
    }),
  });
}
