import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, start } from '../spawn.js';

/** Where scripts/receivers.mjs installs. */
const RECEIVERS = join(ROOT, '.cache', 'receivers');

/** How long a receiver may take until it listens: it takes under two seconds on a busy machine. */
const READY_MILLISECONDS = 30_000;
/** How long to wait for what a receiver is to say or to have taken. */
const PATIENCE_MILLISECONDS = 10_000;
/** No receiver outlives this, whatever becomes of its test. */
const LIFETIME_MILLISECONDS = 600_000;

/** A receiver that runs as a program of its own. */
export interface Program {
  /** The lines of standard output until now, without one that is not complete. */
  lines(): string[];
  /** Ends it; settles when it has ended. */
  close(): Promise<void>;
}

/** The path of an installed file. Throws where it is not installed. */
export function installed(...path: string[]): string {
  const file = join(RECEIVERS, ...path);
  if (existsSync(file)) return file;
  throw new Error(`${file} is not there. Run "node scripts/receivers.mjs".`);
}

/** Starts a receiver and waits until standard output holds `ready`. */
export async function startProgram(
  command: string,
  args: string[],
  ready: string,
  env: Record<string, string> = {},
): Promise<Program> {
  const { child, ended, said } = start(command, args, { env, timeout: LIFETIME_MILLISECONDS });
  // Whoever reads what it said learns of its end.
  ended.catch(() => undefined);
  let text = '';
  child.stdout?.on('data', (part: string) => {
    text += part;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), READY_MILLISECONDS);
  await said(ready).finally(() => clearTimeout(timer));
  return {
    lines: () => text.split('\n').slice(0, -1),
    async close() {
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MILLISECONDS);
      await ended.catch(() => undefined);
      clearTimeout(killer);
    },
  };
}

/** Starts a receiver of ours, which says its address first. */
export async function startListed(name: string, args: string[] = []): Promise<Program & { url: string }> {
  const program = await startProgram(installed('go', name), args, '\n');
  return { ...program, url: program.lines()[0] ?? '' };
}

/** Asks again and again until there is an answer; throws with `what` after ten seconds. */
export async function eventually<T>(what: string, ask: () => T | undefined): Promise<T> {
  const end = Date.now() + PATIENCE_MILLISECONDS;
  for (;;) {
    const answer = ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`${what}: not after ${PATIENCE_MILLISECONDS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
