import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanEnvironment } from '../../scripts/setup/environment.mjs';

/** Starts a measured program; what it writes is kept and shown only if it fails. */
export function startChild(file, { node, args = [], preloads = [], environment = {} }) {
  const child = fork(file, args, {
    execPath: node,
    execArgv: preloads.flatMap((preload) => ['--require', preload]),
    env: { ...cleanEnvironment(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  child.written = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      child.written += text;
    });
  }
  child.ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  return child;
}

/** Resolves with the next message; rejects if the program ends before it. */
export async function nextMessage(child) {
  const early = child.ended.then(({ code, signal }) => {
    throw new Error(`The measured program ended early (${signal ?? `exit code ${code}`}):\n${child.written}`);
  });
  const [message] = await Promise.race([once(child, 'message'), early]);
  return message;
}

/** Waits for a program that is about to end by itself. */
export async function finished(child) {
  const { code, signal } = await child.ended;
  if (code !== 0)
    throw new Error(`The measured program failed (${signal ?? `exit code ${code}`}):\n${child.written}`);
}

/** Gives `body` a folder for profiles, and removes it afterwards. */
export async function withOutputFolder(body) {
  const folder = await mkdtemp(join(tmpdir(), 'everflame-bench-'));
  try {
    return await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The size in kilobytes of the largest profile in a folder: the one of a whole period. Nothing without a profiler;
 * a profiler that wrote nothing did not run, and what was measured beside it means nothing.
 */
export async function profileKilobytes(profiler, folder) {
  if (profiler.preloads.length === 0) return undefined;
  const sizes = await Promise.all(
    (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size),
  );
  if (sizes.length === 0) throw new Error(`${profiler.title} wrote no profile.`);
  return Math.max(...sizes) / 1000;
}
