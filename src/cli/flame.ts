import { writeFileSync } from 'node:fs';
import { EverflameError } from '../engine';
import { messageOf } from '../log';
import { selectValues } from '../profile/choose';
import { threadOf } from '../profile/model';
import { readProfile } from '../profile/read';
import { flameSvg } from './flame-svg';
import { buildFlameTree } from './flame-tree';
import { formatValue } from './format';

export interface FlameOptions {
  output: string;
  type?: string;
  thread?: string;
}

/** Writes a flame graph of profiles and returns the line that says so. Throws an EverflameError where it cannot. */
export function flame(files: string[], options: FlameOptions): string {
  const selection = selectValues(files.map(readProfile), options.type);
  const root = buildFlameTree(selection, options.thread);
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
    writeFileSync(options.output, svg);
  } catch (error) {
    throw new EverflameError('UNWRITABLE', `cannot write ${options.output}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return `${options.output}: ${selection.type}, ${sum}. Open it in a browser; click a box to zoom, Ctrl+F to search.`;
}
