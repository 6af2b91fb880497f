import { join } from 'node:path';
import { badValueWarning } from '../config/bad-value';
import { parseValue } from '../config/parse';
import { readSetting } from '../config/resolve';
import { type Setting, settingNames, settings } from '../config/settings';
import { reasonOf } from '../log';
import { absoluteFolder, assertWritable } from '../output/folder';
import { appendPreload, autoPath } from '../package-root';

export interface RunEnvironment {
  environment: NodeJS.ProcessEnv;
  /** One sentence for each flag that could not be used. */
  warnings: string[];
  /** Whether the last warning says why nothing is profiled. */
  refused: boolean;
}

/**
 * The environment of the program that is run: the command's own, with the preload behind what the user has in
 * `NODE_OPTIONS` and each flag as the variable it stands for. `flags` are the values as commander read them.
 */
export function runEnvironment(flags: Record<string, unknown>, own: NodeJS.ProcessEnv): RunEnvironment {
  const warnings: string[] = [];
  const environment: NodeJS.ProcessEnv = { ...own };
  environment.NODE_OPTIONS = appendPreload(own.NODE_OPTIONS, autoPath);
  // Somebody who wrote "false" there meant it.
  if (settings.enabled.env.every((name) => !own[name])) environment.DD_PROFILING_ENABLED = 'true';
  for (const name of settingNames) {
    const setting: Setting = settings[name];
    const raw = flags[name];
    if (!setting.flag || raw === undefined || name === 'output') continue;
    const [variable, ...others] = setting.env;
    const parsed = parseValue(setting, raw);
    if (parsed.ok) {
      environment[variable as string] = String(raw);
      // The flag wins over each of them, and does not contradict them.
      for (const other of others) if (!setting.general?.includes(other)) delete environment[other];
    } else {
      const used = parsed.use ?? readSetting(name, own);
      if (parsed.use !== undefined) environment[variable as string] = String(parsed.use);
      warnings.push(badValueWarning(`--${setting.flag.name}`, setting, raw, used));
    }
  }
  const usable = typeof flags.output !== 'string' || setOutput(environment, flags.output, warnings);
  return { environment, warnings, refused: !usable };
}

/** Returns false where the folder cannot be written, so that nothing is profiled. */
function setOutput(environment: NodeJS.ProcessEnv, folder: string, warnings: string[]): boolean {
  if (folder.trim() === '') {
    // A variable of a shell that is not set; as a path it would be the working directory.
    const used = readSetting('output', environment) ?? '.everflame';
    warnings.push(badValueWarning('--output', settings.output, folder, used, 'a folder'));
    return true;
  }
  try {
    // Absolute, since the program may run elsewhere. Throws where the working directory is gone, or cannot be named.
    const prefix = join(absoluteFolder(folder), 'profile');
    assertWritable(prefix);
    environment.DD_PROFILING_OUTPUT_PPROF = prefix;
    return true;
  } catch (error) {
    // Said here and now, once; a profiler that cannot write has nothing to do.
    environment.DD_PROFILING_ENABLED = 'false';
    warnings.push(
      `cannot write profiles to ${folder}: ${reasonOf(error)}. The program runs without a profiler; name a folder that can be written with --output <dir>.`,
    );
    return false;
  }
}
