import type { Gathered } from '../export/gather';
import { formatValue } from './format';
import { quoted } from './quoted';
import { visible } from './visible';

export type Form = 'html' | 'pprof' | 'collapsed' | 'speedscope';

/** What is made of a selection. */
export interface Made {
  data: string | Uint8Array;
  gathered: Gathered;
  /** What to do with it. */
  use: string;
}

/** Keys of labels that are named in the line about what a file holds. */
const MOST_KEYS = 8;
/** In the units that files are measured in. */
const KILOBYTE = 1000;

/** What is said of a file that was written: what it adds up to, and what in it may be private. */
export function exportLines(
  output: string,
  { data, gathered, use }: Made,
  isStripped: boolean,
  form: Form,
): string[] {
  const { service, types, totals } = gathered;
  const sums = types.map(
    ({ name, unit }, index) => `${visible(name)} ${formatValue(totals[index] ?? 0, unit)}`,
  );
  const bytes = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
  const size = bytes < KILOBYTE ? `${bytes} B` : `${Math.round(bytes / KILOBYTE)} KB`;
  return [
    `${visible(quoted(output))}: ${visible(service.name)}, ${sums.join(', ')}; ${size}. ${use}`,
    isStripped ? strippedLine(form) : heldLine(gathered, form),
  ];
}

function strippedLine(form: Form): string {
  const values =
    form === 'html' || form === 'pprof' ? ', and numbers stand for values of labels and tags' : '';
  return `It holds names of functions and of files; their folders are left out${values}.`;
}

function heldLine({ samples, processes }: Gathered, form: Form): string {
  if (form === 'collapsed' || form === 'speedscope')
    return 'It holds names of functions and paths of files; --strip leaves out the folders.';
  const labels = samples.labels.flatMap((set) => set.map(([key]) => key));
  const tags = form === 'html' ? processes.flatMap((process) => Object.keys(process.tags)) : [];
  const keys = [...new Set([...labels, ...tags])].map(visible);
  const shown = keys.slice(0, MOST_KEYS).join(', ') + (keys.length > MOST_KEYS ? ', …' : '');
  const values = keys.length === 0 ? '' : `, and values of labels and tags (${shown})`;
  return `It holds names of functions, paths of files${values}: look before you share it. --strip leaves out folders and values.`;
}
