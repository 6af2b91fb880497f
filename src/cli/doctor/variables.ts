import { deliverySettings } from '../../config/delivery-settings';
import { nearest } from '../../config/nearest';
import { EFFECTS, type Effect, referenceVariable } from '../../config/reference-variables';
import { type Setting, settings } from '../../config/settings';
import { REPORT_VARIABLE } from '../../run-report';
import { PARENT_VARIABLE } from '../../upload/parent';
import { PLACE_VARIABLE } from '../../upload/place';
import { TOKEN_VARIABLE } from '../token';
import { finding, type Part } from './report';

/** A variable that is set and is no setting. Its value is not told: nobody knows what it is. */
export interface VariableFact {
  variable: string;
  /** What is known of it: an effect of the table of reference variables, or `unknown`. */
  effect: Effect | 'unknown';
  text: string;
  /** The variable that was most likely meant. */
  nearest?: string;
}

/** Names that nobody but us or a profiler would give a variable. */
const LOOKS_LIKE_OURS = /^_?(EVERFLAME_|DD_PROFILING_)/i;
/** Read by commands, and no setting of the profiler. */
const OF_COMMANDS: readonly string[] = [TOKEN_VARIABLE];
/** Set by processes for their children. */
const INTERNAL: readonly string[] = [PARENT_VARIABLE, PLACE_VARIABLE, REPORT_VARIABLE];

export const knownVariables: readonly string[] = [
  ...Object.values(settings as Record<string, Setting>),
  ...Object.values(deliverySettings as Record<string, Setting>),
].flatMap(({ env }) => env);

/** Variables that look like settings and are none. */
export function checkVariables(environment: NodeJS.ProcessEnv): Part<VariableFact[]> {
  const facts = Object.keys(environment)
    .filter((name) => environment[name])
    .flatMap(factOf)
    .sort((a, b) => (a.variable < b.variable ? -1 : 1));
  const findings = facts.map(({ variable, effect, text }) =>
    effect === 'unknown'
      ? finding('warning', `variable.${variable}`, `${variable} is no setting and is ignored. ${text}`)
      : finding('note', `variable.${variable}`, `${variable}: ${EFFECTS[effect]}. ${text}`),
  );
  return { facts, findings };
}

function factOf(variable: string): VariableFact[] {
  if (knownVariables.includes(variable) || INTERNAL.includes(variable) || OF_COMMANDS.includes(variable))
    return [];
  const reference = referenceVariable(variable);
  if (reference) return [reference];
  if (!LOOKS_LIKE_OURS.test(variable)) return [];
  const guess = nearest(variable, knownVariables);
  return guess
    ? [{ variable, effect: 'unknown', text: `Did you mean ${guess}?`, nearest: guess }]
    : [{ variable, effect: 'unknown', text: 'docs/configuration.md lists the settings.' }];
}
