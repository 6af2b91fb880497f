import type { Command } from 'commander';
import { nearest } from '../config/nearest';
import { findProgram } from './find-program';

/**
 * Passes over options before the program that do not exist, with a warning for each: a slip in a start command must not
 * keep a service from starting. `line` are all words of the command line, `given` its last ones, from the first such
 * option or from the program on; what is left begins with the program.
 */
export function withoutUnknownOptions(
  command: Command,
  line: readonly string[],
  given: string[],
): { words: string[]; warnings: string[] } {
  const known = command.options.map((option) => option.long ?? '');
  const warnings: string[] = [];
  let words = given;
  for (;;) {
    const [word, ...rest] = words;
    // Behind `--` is the program, whatever it is called.
    const ended = line[line.length - words.length - 1] === '--';
    if (word === undefined || ended || !word.startsWith('-') || word === '-') return { words, warnings };
    const name = word.replace(/=.*/s, '');
    const guess = nearest(name, known);
    const takesValue = command.options.some((option) => option.long === guess && option.required);
    const value = word.includes('=') ? undefined : valueBehind(rest, takesValue);
    if (value !== undefined) rest.shift();
    const ignored = value === undefined ? 'is ignored' : `is ignored with its value ${JSON.stringify(value)}`;
    const remedy = guess
      ? `Did you mean ${guess}?`
      : `"everflame ${command.name()} --help" lists the options.`;
    warnings.push(`The option ${name} is not known and ${ignored}. ${remedy}`);
    const parsed = command.parseOptions(rest);
    words = [...parsed.operands, ...parsed.unknown];
  }
}

/**
 * The word behind an unknown option, where it is the option's value and not the program: because the option that was
 * meant takes one, or because there is no such program.
 */
function valueBehind([next, ...rest]: string[], takesValue: boolean): string | undefined {
  // Something has to be left to run.
  if (next === undefined || next.startsWith('-') || rest.length === 0) return undefined;
  return takesValue || findProgram(next) === undefined ? next : undefined;
}
