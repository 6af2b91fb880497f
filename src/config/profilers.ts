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
  const words = (environment[VARIABLE] ?? '')
    .split(',')
    .map((word) => word.trim().toLowerCase())
    .filter((word) => word !== '');
  const isSet = (name: 'wall' | 'cpu'): boolean =>
    options[name] !== undefined || settings[name].env.some((variable) => environment[variable]);
  const unknown = words.filter((word) => !STACKS.has(word) && word !== MEMORY);
  // A list of which nothing is understood says nothing.
  if (unknown.length < words.length && !words.some((word) => STACKS.has(word)) && !isSet('wall')) {
    configuration.wall = false;
    if (!isSet('cpu')) configuration.cpu = false;
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
