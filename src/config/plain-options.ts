import { badOptionsWarning } from './bad-value';
import type { ProfilerOptions } from './resolve';
import { knownOptions, unknownOptions } from './unknown-options';

const LOGGER_METHODS = ['error', 'warn', 'info', 'debug'];

/**
 * The options of a `new Profiler()` as they are now, whatever the program does to them later. What throws when it is read is
 * reported in `warnings` and left out. Loaded only where a program gives options.
 */
export function plainOptions(options: unknown, warnings: string[]): ProfilerOptions {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    warnings.push(badOptionsWarning(options));
    return {};
  }
  try {
    warnings.push(...unknownOptions(Object.keys(options)));
  } catch {
    // A Proxy of the program's own threw.
    warnings.push('The options of a Profiler cannot be read and are ignored. Give a plain object.');
    return {};
  }
  const plain: Record<string, unknown> = {};
  for (const name of knownOptions()) {
    try {
      const value = (options as Record<string, unknown>)[name];
      if (value !== undefined) plain[name] = Array.isArray(value) ? [...(value as unknown[])] : value;
    } catch {
      warnings.push(`The option "${name}" cannot be read and is ignored. Give its value in a plain object.`);
    }
  }
  const { logger, ...others } = plain;
  if (logger === undefined || logger === null) return others;
  if (isLogger(logger)) return plain;
  warnings.push(
    'The option "logger" must be an object with the methods error, warn, info and debug, as console is; lines go to standard error instead.',
  );
  return others;
}

function isLogger(logger: unknown): boolean {
  try {
    return LOGGER_METHODS.every((name) => typeof (logger as Record<string, unknown>)[name] === 'function');
  } catch {
    // A getter of the program's own threw.
    return false;
  }
}
