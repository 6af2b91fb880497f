import { change } from './page.js';
import { report } from './report.js';

/** Shows what each line of a file costs, from a line on; 0 for the one that costs the most. */
export function showSource(file: string, line: number): void {
  change({ tab: 'source', source: { file, line } });
}

/** {@link showSource} where a collector answers; a report has no lines. */
export function sourceAction(): typeof showSource | undefined {
  return report.value ? undefined : showSource;
}
