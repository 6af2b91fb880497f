import { EverflameError } from '../engine';
import { reasonOf } from '../log';
import { selectValues } from '../profile/choose';
import { threadOf } from '../profile/model';
import { readProfile } from '../profile/read';
import { flameSvg } from './flame-svg';
import { buildFlameTree } from './flame-tree';
import { formatValue } from './format';
import { visible } from './visible';
import { isSameFile, writeOutput } from './write-output';

export interface FlameOptions {
  output: string;
  type?: string;
  thread?: string;
}

/** Writes a flame graph of profiles and returns the lines that say so. Throws an EverflameError where it cannot. */
export function flame(files: string[], options: FlameOptions): string {
  const profiles = files.map(readProfile);
  const input = files.find((file) => isSameFile(file, options.output));
  if (input !== undefined) {
    throw new EverflameError(
      'WOULD_OVERWRITE',
      `${options.output} is the profile ${input} itself. Name another file with -o`,
    );
  }
  const selection = selectValues(profiles, options.type);
  const { root, lost } = buildFlameTree(selection, options.thread);
  if (root.value === 0 && lost < 0) {
    throw new EverflameError(
      'NOTHING_ABOVE_ZERO',
      `the ${selection.type} values are all below zero, and a box has no width for them. Take the difference the other way round, or look at it with "everflame top"`,
    );
  }
  if (options.thread !== undefined && root.value === 0) {
    const threads = [...new Set(selection.samples.map(({ sample }) => threadOf(sample)))].sort();
    const known = threads.map((name) => `"${name}"`).join(', ');
    const wish = `no ${selection.type} values of a thread named "${options.thread}"`;
    throw new EverflameError(
      'NO_SUCH_THREAD',
      threads.length > 0
        ? `${wish}; there is ${known}`
        : `${wish}, nor of any other: the profile has no ${selection.type} values. Name another file, or another --type`,
    );
  }
  const sum = formatValue(root.value, selection.unit);
  const svg = flameSvg(
    root,
    `${selection.type}: ${sum}${options.thread ? `, ${options.thread}` : ''}`,
    selection.unit,
  );
  try {
    writeOutput(options.output, svg);
  } catch (error) {
    throw new EverflameError(
      'UNWRITABLE',
      `cannot write ${options.output || 'a file without a name'}: ${reasonOf(error)}. Name another file with -o`,
      {
        cause: error,
      },
    );
  }
  const done = `${visible(options.output)}: ${visible(selection.type)}, ${sum}. Open it in a browser; click a box to zoom, Ctrl+F to search.`;
  const leftOut = `Left out: stacks with values below zero, ${formatValue(lost, selection.unit)} in all; "everflame top" has them.`;
  return lost < 0 ? `${done}\n${leftOut}` : done;
}
