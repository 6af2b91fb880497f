/** What begins a range of time as other tools write it, such as `-2h..-1h`. */
const RANGE = /^-(?=[\d.]+[smhd]?\.\.)/;

/**
 * A command line for `everflame diff` in which ranges of time do not begin as options do: `2h..-1h` means the same as `-2h..-1h`.
 * Others stay as they are.
 */
export function withRanges(line: readonly string[]): string[] {
  return line[2] === 'diff' ? line.map((word) => word.replace(RANGE, '')) : [...line];
}
