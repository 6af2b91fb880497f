import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { basename } from 'node:path';
import { appendPreload, autoPath } from './package-root';
import { PARENT_VARIABLE } from './upload/parent';

/** As it is at the start: a program may take it away, or put another in its place. */
const { process } = globalThis;

/** On which Node.js tells of each process that it starts, before it knows of what program. */
const STARTING = 'child_process';
/** Programs that are Node.js, or start it. */
const NODE_PROGRAMS = /^(node|npm|npx|pnpm|yarn|bun|tsx|ts-node)(\.exe|\.cmd)?$/;

/** What a started process is, as far as Node.js tells. */
interface Started {
  process?: { spawnfile?: unknown; spawnargs?: unknown };
}

/** How the processes that this one starts are to find the profiler. */
export interface ChildrenOptions {
  /** Given to them, so that they can name their parent; undefined where nothing is sent. */
  runtimeId: string | undefined;
  /** Whether they are to load the preload, as this process did. */
  preload: boolean;
  /** Called when one of them is Node.js. */
  onNode: () => void;
}

/**
 * Has the Node.js processes that this one starts profiled too, by the environment that they inherit. One with an environment of its
 * own is not reached. Returns the function that takes it back.
 */
export function reachChildren({ runtimeId, preload, onNode }: ChildrenOptions): () => void {
  const undo: (() => void)[] = [];
  if (runtimeId !== undefined) undo.push(setVariable(PARENT_VARIABLE, runtimeId));
  if (preload) {
    undo.push(setVariable('NODE_OPTIONS', appendPreload(process.env.NODE_OPTIONS, autoPath)));
  }
  const onStart = (message: unknown): void => {
    const { process: child } = message as Started;
    // What it runs is known when the call returns.
    process.nextTick(() => child && isNode(child) && onNode());
  };
  subscribe(STARTING, onStart);
  undo.push(() => unsubscribe(STARTING, onStart));
  return () => {
    for (const take of undo) take();
  };
}

/** Sets a variable of this process. The function that is returned puts it back, unless the program has set it since. */
function setVariable(name: string, value: string): () => void {
  const before = process.env[name];
  process.env[name] = value;
  return () => {
    if (process.env[name] !== value) return;
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  };
}

/** Whether a process is Node.js, or a shell with a line that starts it. The program may have given it anything for arguments. */
function isNode({ spawnfile, spawnargs }: NonNullable<Started['process']>): boolean {
  if (typeof spawnfile !== 'string') return false;
  if (spawnfile === process.execPath || NODE_PROGRAMS.test(basename(spawnfile))) return true;
  // `exec` and `shell: true` hand a line to a shell.
  if (!/(^|\/)(ba|da|z)?sh$/.test(spawnfile) || !Array.isArray(spawnargs)) return false;
  const lines = spawnargs.filter((argument) => typeof argument === 'string');
  const words = lines.flatMap((line) => line.split(/[\s;&|"']+/));
  return words.some((word) => NODE_PROGRAMS.test(basename(word)));
}
