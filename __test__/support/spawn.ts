import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** The repository: ava runs its files there. */
export const ROOT = process.cwd();
export const AUTO = join(ROOT, 'dist', 'src', 'auto.js');
export const CLI = join(ROOT, 'dist', 'src', 'cli', 'main.js');

/** How a program ended and what it said. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  pid: number;
}

export interface SpawnOptions {
  /** Added to the environment; undefined takes a variable away. */
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** Written to standard input, which is then closed. */
  input?: string;
  /** After so many milliseconds the program is killed and the test fails. */
  timeout?: number;
}

/** A program that runs; `ended` settles when it and its output have ended. */
export interface Running {
  child: ChildProcess;
  ended: Promise<Ended>;
  /** Settles when standard output holds the text, with what there is by then. */
  said(text: string): Promise<string>;
}

/** Starts a program in an environment free of the settings of whoever runs the tests. */
export function start(command: string, args: string[], options: SpawnOptions = {}): Running {
  const env: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (!/^(DD_|EVERFLAME_(?!TEST)|NODE_OPTIONS$|NODE_V8_|NAPI_RS_)/.test(name)) env[name] = value;
  }
  for (const [name, value] of Object.entries(options.env ?? {})) {
    if (value === undefined) delete env[name];
    else env[name] = value;
  }
  const child = spawn(command, args, { env, cwd: options.cwd, stdio: 'pipe' });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A program that ends before it has read its input closes the pipe; its exit code is what is looked at.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const limit = options.timeout ?? 90_000;
  const ended = new Promise<Ended>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(
        new Error(`${command} ${args.join(' ')} has not ended after ${limit} ms.\n${stdout}\n${stderr}`),
      );
    }, limit);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr, pid: child.pid ?? 0 });
    });
  });
  const said = async (text: string): Promise<string> => {
    while (!stdout.includes(text)) {
      const [event] = await Promise.race([once(child.stdout, 'data'), ended.then((end) => [end])]);
      if (typeof event !== 'string' && !stdout.includes(text)) {
        throw new Error(`the program ended before it said "${text}".\n${stdout}\n${stderr}`);
      }
    }
    return stdout;
  };
  return { child, ended, said };
}

/** Runs a program to its end. */
export function run(command: string, args: string[], options?: SpawnOptions): Promise<Ended> {
  return start(command, args, options).ended;
}

/** Runs `everflame …`, with this Node.js unless another is named. */
export function everflame(args: string[], options?: SpawnOptions, node = process.execPath): Promise<Ended> {
  return run(node, [CLI, ...args], options);
}
