import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Advice, endGroup, killAtExit } from '../setup/commands.mjs';
import { cleanEnvironment } from '../setup/environment.mjs';
import { keep } from './keeper.mjs';

/** For one that nobody waits for any more. */
const KEEPER_SECONDS = 15;

/** Settles with what the promise does, or rejects with advice after a number of seconds. */
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

/** A Node.js program of the demo, in a process group of its own, whose lines are read while it runs. */
export class Program {
  #name;
  #child;
  #lines = [];
  #listeners = new Set();
  #isEnding = false;

  /** Settles when the program has ended and all its lines have been read. */
  ended;

  /**
   * @param {string} name for the reader of the terminal
   * @param {string[]} args of Node.js
   * @param {{ cwd: string, env?: Record<string, string> }} options
   */
  constructor(name, args, { cwd, env = {} }) {
    this.#name = name;
    this.#child = spawn(process.execPath, args, {
      cwd,
      env: { ...cleanEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Its own group, so that nothing of it can stay behind.
      detached: true,
    });
    const leader = this.#child.pid;
    const spare = killAtExit(leader);
    const release = keep(leader, KEEPER_SECONDS);
    for (const input of [this.#child.stdout, this.#child.stderr])
      createInterface({ input }).on('line', (line) => this.#read(line));
    // What the program leaves behind would keep its output open, and us waiting.
    this.#child.once('exit', () => {
      release();
      endGroup(leader);
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        spare();
        resolve({ code, signal });
      });
    });
  }

  #read(line) {
    this.#lines.push(line);
    for (const listener of this.#listeners) listener(line);
  }

  /** What it has written, for a message. */
  get written() {
    return this.#lines.join('\n');
  }

  /** Calls back with each line, also with those that have been read. */
  onLine(listener) {
    this.#lines.forEach(listener);
    this.#listeners.add(listener);
  }

  /**
   * The first group of the first line that a pattern finds.
   * @throws {Advice} with what the program has written, where it ends before or lets itself be waited for
   */
  found(pattern, limitSeconds) {
    const line = new Promise((resolve) => {
      this.onLine((text) => {
        const match = pattern.exec(text);
        if (match) resolve(match[1]);
      });
    });
    return within(limitSeconds, Promise.race([line, this.failed()]), () => {
      return `${this.#name} was not ready after ${limitSeconds} s:\n${this.written}`;
    });
  }

  /** Rejects with advice when the program ends by itself, and never settles otherwise. */
  async failed() {
    const { code, signal } = await this.ended;
    if (this.#isEnding) return new Promise(() => {});
    throw new Advice(`${this.#name} ended with ${signal ?? `exit code ${code}`}:\n${this.written}`);
  }

  /** Ends it by a signal, as Ctrl+C does, and kills it where it does not end in time. Resolves with whether it did. */
  async end(limitSeconds) {
    this.#isEnding = true;
    this.#child.kill('SIGINT');
    const timer = setTimeout(() => endGroup(this.#child.pid), limitSeconds * 1000);
    const { signal } = await this.ended;
    clearTimeout(timer);
    return signal !== 'SIGKILL';
  }
}
