import type { ProfilerOptions } from './resolve';
import { type Configuration, settings } from './settings';

/** Names that the list of the reference may have. Wall and CPU time are one profile there, and `cpu` is its other name. */
const STACKS: ReadonlySet<string> = new Set(['wall', 'cpu']);
const MEMORY = 'space';

const VARIABLE = 'DD_PROFILING_PROFILERS';

/**
 * Settles wall and CPU time by the list of the reference (dd-trace): where it has neither, both are off. A switch of its own wins over it, as
 * there. Returns one sentence for each thing in the list that has no effect.
 */
export function applyProfilers(
  configuration: Configuration,
  options: ProfilerOptions,
  environment: NodeJS.ProcessEnv,
): string[] {
  const words = wordsOf(environment);
  const unknown = words.filter(isUnknown);
  if (isOffByList(options, environment)) {
    configuration.wall = false;
    if (!isSet('cpu', options, environment)) configuration.cpu = false;
  }
  const warnings: string[] = [];
  if (words.includes(MEMORY)) {
    warnings.push(`${VARIABLE} names space, but memory is not profiled yet. Leave it out: ${VARIABLE}=wall.`);
  }
  if (unknown.length > 0) {
    const named = JSON.stringify(unknown.join(','));
    warnings.push(`${VARIABLE} has ${named}, but it must be some of wall, cpu, space; it is left out.`);
  }
  return warnings;
}

/** Whether it is the list that switches wall time off, and CPU time with it where nothing else is said of that. */
export function isOffByList(options: ProfilerOptions, environment: NodeJS.ProcessEnv): boolean {
  const words = wordsOf(environment);
  // A list of which nothing is understood says nothing.
  const isUnderstood = !words.every(isUnknown);
  return isUnderstood && !words.some((word) => STACKS.has(word)) && !isSet('wall', options, environment);
}

function wordsOf(environment: NodeJS.ProcessEnv): string[] {
  return (environment[VARIABLE] ?? '')
    .split(',')
    .map((word) => word.trim().toLowerCase())
    .filter((word) => word !== '');
}

function isUnknown(word: string): boolean {
  return !STACKS.has(word) && word !== MEMORY;
}

function isSet(name: 'wall' | 'cpu', options: ProfilerOptions, environment: NodeJS.ProcessEnv): boolean {
  return options[name] !== undefined || settings[name].env.some((variable) => environment[variable]);
}
