import { parseValue } from './parse';
import type { Setting } from './settings';

/** The variable that a setting has its value from; undefined for the default. */
export function originOf(setting: Setting, environment: NodeJS.ProcessEnv): string | undefined {
  return setting.env.find((variable) => {
    const raw = environment[variable];
    if (!raw) return false;
    const parsed = parseValue(setting, raw);
    return parsed.ok || parsed.use !== undefined;
  });
}
