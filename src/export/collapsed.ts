import type { Samples } from './samples';

/**
 * Collapsed stacks, as scripts that draw flame graphs read them: a line for each stack, frames from the root with semicolons between, then the value.
 * @param column place of the type
 */
export function collapsedStacks(samples: Samples, column: number): string {
  const { name, file, start } = samples.frames;
  const texts = name.map((own, frame) => textOf(own, file[frame] ?? '', start[frame] ?? 0));
  const sums = new Map<string, number>();
  for (const { frames, values } of samples.stacks()) {
    const value = values[column] ?? 0;
    if (value === 0) continue;
    const stack = frames.length === 0 ? '(no stack)' : frames.map((frame) => texts[frame]).join(';');
    sums.set(stack, (sums.get(stack) ?? 0) + value);
  }
  return [...sums].map(([stack, value]) => `${stack} ${value}\n`).join('');
}

/** Function and place. What means something in this form is put otherwise. */
function textOf(name: string, file: string, line: number): string {
  const place = line > 0 ? `${file}:${line}` : file;
  return (file === '' ? name : `${name} (${place})`).replaceAll(';', ':').replaceAll(/\s+/g, ' ');
}
