import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Advice, EXAMPLE, endGroup, guardGroup, run } from '../setup/commands.mjs';
import { cleanEnvironment } from '../setup/environment.mjs';
import { EVERFLAME } from '../setup/everflame.mjs';

const START_LIMIT_SECONDS = 30;
const STOP_LIMIT_SECONDS = 30;
const PROGRESS_SECONDS = 5;

/** Rejects with advice after a number of seconds, unless the other promise settles before. */
async function within(seconds, promise, message) {
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Advice(message())), seconds * 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The example service under `everflame run`. */
export class Service {
  #child;
  #ended;
  #written = '';

  constructor(profileFolder) {
    const args = [EVERFLAME, 'run', '--output', profileFolder, '--', process.execPath, 'server.mjs'];
    this.#child = spawn(process.execPath, args, {
      cwd: EXAMPLE,
      env: { ...cleanEnvironment(), PORT: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Its own group, so that nothing of it can stay behind.
      detached: true,
    });
    const unguard = guardGroup(this.#child.pid);
    this.#ended = once(this.#child, 'exit').then(([code, signal]) => {
      unguard();
      return { code, signal };
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.#written += text;
      });
    }
  }

  /** What the service and the profiler have written to the terminal. */
  get written() {
    return this.#written;
  }

  /** Waits until the service listens; resolves with its address. */
  async address() {
    const listening = new Promise((resolve) => {
      this.#child.stdout.on('data', () => {
        const found = this.#written.match(/listening on (\S+)/);
        if (found) resolve(found[1]);
      });
    });
    const early = this.#ended.then(() => {
      throw new Advice(`The service ended before it listened:\n${this.#written}`);
    });
    const late = () => `The service did not listen within ${START_LIMIT_SECONDS} s:\n${this.#written}`;
    return within(START_LIMIT_SECONDS, Promise.race([listening, early]), late);
  }

  /** Ends the service as a process manager does, and waits for it. */
  async stop() {
    this.#child.kill('SIGTERM');
    const late = () => `The service did not end within ${STOP_LIMIT_SECONDS} s of SIGTERM:\n${this.#written}`;
    const { code, signal } = await within(STOP_LIMIT_SECONDS, this.#ended, late);
    if (code !== 0)
      throw new Advice(`The service ended with ${signal ?? `exit code ${code}`}:\n${this.#written}`);
  }

  /** Whatever of the service still runs is killed; safe to call at any time. */
  kill() {
    endGroup(this.#child.pid);
  }
}

/** Drives the service with the example's own load, and shows how far it is; resolves with the driver's summary. */
export async function driveWithProgress(url, seconds) {
  const start = performance.now();
  const show = () => {
    const passed = Math.min(seconds, Math.round((performance.now() - start) / 1000));
    const line = `  load: ${passed} of ${seconds} s`;
    process.stdout.write(process.stdout.isTTY ? `\r${line}` : `${line}\n`);
  };
  const timer = setInterval(show, process.stdout.isTTY ? 1000 : PROGRESS_SECONDS * 1000);
  try {
    const args = ['load.mjs', '--url', url, '--seconds', String(seconds)];
    const { code, output } = await run(process.execPath, args, {
      cwd: EXAMPLE,
      timeoutSeconds: seconds + 30,
    });
    if (code !== 0) throw new Advice(`The load driver failed:\n${output}`);
    return output.trim();
  } finally {
    clearInterval(timer);
    if (process.stdout.isTTY) process.stdout.write('\n');
  }
}
