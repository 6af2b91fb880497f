import { parseValue } from './parse';
import type { Setting } from './settings';

/**
 * One sentence where a setting has two of its variables and they say different things. `variables` are those that are set, the one
 * that is used first. One that cannot be used is reported where it is read.
 */
export function severalNames(
  setting: Setting,
  variables: readonly string[],
  environment: NodeJS.ProcessEnv,
): string[] {
  const [used, ...others] = variables
    .filter((name) => !setting.general?.includes(name))
    .map((name) => ({ name, parsed: parseValue(setting, environment[name]) }));
  const other = others.find(
    ({ parsed }) => used?.parsed.ok && parsed.ok && String(parsed.value) !== String(used.parsed.value),
  );
  if (!used || !other) return [];
  return [
    `${used.name} and ${other.name} are set to different values; ${used.name} is used. Unset one of the two.`,
  ];
}
