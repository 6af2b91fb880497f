import { isAbsolute } from 'node:path';
import { PARENT_VARIABLE } from '../upload/parent';

/** The scripts in which PM2 runs a program: as a worker of its cluster, and as a process of its own. */
const CONTAINER = /[\\/]ProcessContainer(Fork)?(?:Bun)?\.js$/;

/** What PM2 starts, as far as it tells of it before it does. */
export interface Started {
  script: string;
  /** A whole path; the container changes to it where it is not there already. */
  workingDirectory: string;
}

/**
 * The program that PM2 is about to run in this process, where `script` is PM2's own: of a worker told by `pm2_env`, a text of JSON
 * (its lib/God/ClusterMode.js), of a process of its own by variables (ForkMode.js). Undefined where there is none.
 */
export function startedByPm2(
  script: string | undefined,
  environment: NodeJS.ProcessEnv,
  workingDirectory: string,
): Started | undefined {
  if (script === undefined || !CONTAINER.test(script)) return undefined;
  const { pm_exec_path: path, pm_cwd: folder } = toldBy(environment);
  if (typeof path !== 'string' || !isAbsolute(path)) return undefined;
  const isFolder = typeof folder === 'string' && isAbsolute(folder);
  return { script: path, workingDirectory: isFolder ? folder : workingDirectory };
}

/** To a process of its own PM2 hands the environment of the command that was typed: its parent is another one. */
export function withoutForeignParent(
  script: string | undefined,
  { [PARENT_VARIABLE]: parent, ...rest }: Record<string, string>,
): Record<string, string> {
  const isForeign = script !== undefined && CONTAINER.exec(script)?.[1] !== undefined;
  return isForeign || parent === undefined ? rest : { ...rest, [PARENT_VARIABLE]: parent };
}

function toldBy(environment: NodeJS.ProcessEnv): { pm_exec_path?: unknown; pm_cwd?: unknown } {
  const { pm2_env: text } = environment;
  if (text === undefined) return environment;
  try {
    return Object(JSON.parse(text)) as object;
  } catch {
    // Not PM2's: it could not run anything either.
    return {};
  }
}
