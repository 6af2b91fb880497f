import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Advice, EXAMPLE } from '../setup/commands.mjs';
import { EVERFLAME, fromDist } from '../setup/everflame.mjs';
import { Program } from './program.mjs';

const START_LIMIT_SECONDS = 30;
/** The load driver ends within its second, the service with its last request, the collector with its last commit. */
const LOAD_LIMIT_SECONDS = 5;
const SERVICE_LIMIT_SECONDS = 15;

/** Requests a second: less than the service bears, so that what it is spared is seen as less work, not as more requests. */
export const RATE = 200;

const { name, version } = JSON.parse(readFileSync(join(EXAMPLE, 'package.json'), 'utf8'));
/** The service's name on the page, and its version unless another is given. */
export const SERVICE = name;
export const VERSION = version;

/** What is said of a store that another process writes. */
const HELD = /is written by process (\d+)/;

/** The example service under `everflame dev`, and its load. */
export class Bookshop {
  #dev;
  #load;
  #ended;

  /**
   * Starts the service; `ready` waits for it.
   * @param {{ inbox: string, port?: number, version?: string, folder?: string }} options `inbox` is where the history is kept, a `port`
   *   of 0 any that is free, `folder` where the service is
   */
  constructor({ inbox, port, version = VERSION, folder = EXAMPLE }) {
    this.folder = folder;
    this.inbox = inbox;
    const ports = port === undefined ? [] : ['--port', String(port)];
    const options = ['--no-open', '--exit', '--inbox', inbox, ...ports];
    this.#dev = new Program(
      'The service',
      [EVERFLAME, 'dev', ...options, '--', process.execPath, 'server.mjs'],
      { cwd: folder, env: { PORT: '0', DD_VERSION: version } },
    );
  }

  /** Waits for the page and the service. Resolves with the addresses of both. */
  async ready() {
    try {
      const page = await this.#dev.found(/the page is at (\S+)/, START_LIMIT_SECONDS);
      const service = await this.#dev.found(/^listening on (\S+)/, START_LIMIT_SECONDS);
      return { page, service };
    } catch (error) {
      throw await this.#explained(error);
    }
  }

  /** The collector's own words where it could not start; of another demo, whose store this is, also where its page is. */
  async #explained(error) {
    const [, words] = /^everflame: error: (.*)$/m.exec(this.#dev.written) ?? [];
    if (words === undefined) return error;
    const [, holder] = HELD.exec(words) ?? [];
    if (holder === undefined) return new Advice(words);
    const { collectorOf } = await fromDist('collector/presence.js');
    const page = collectorOf(this.inbox);
    const where = page === undefined ? '' : `, and its page is at ${page}`;
    return new Advice(
      `The demo runs already: process ${holder} writes its history${where}. Look at it there, or end it with Ctrl+C and run this ` +
        'command again.',
    );
  }

  /** Puts it under steady load until `end`, or for a number of seconds. */
  drive(service, seconds = 0) {
    const args = ['load.mjs', '--url', service, '--rate', String(RATE), '--seconds', String(seconds)];
    this.#load = new Program('The load driver', args, { cwd: this.folder });
  }

  /** Waits for the end of a load of some seconds. */
  async driven() {
    const { code } = await Promise.race([this.#load.ended, this.#dev.failed()]);
    if (code !== 0) throw new Advice(`The load driver failed:\n${this.#load.written}`);
  }

  /** Rejects with advice when the service or its load end by themselves. */
  async failed() {
    await Promise.race([this.#dev.failed(), this.#load.failed()]);
  }

  /** Calls back with what the service or the profiler have to tell, but for what the demo tells itself. */
  onNews(listener) {
    const known = /^listening on |^everflame: the (page|history) is /;
    this.#dev.onLine((line) => {
      if (!known.test(line)) listener(line);
    });
  }

  /**
   * Ends the load, the service and the collector. Resolves with what the load driver sums up, and what did not end by itself.
   * @returns {Promise<{ summary: string, problem?: string }>}
   */
  end() {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end() {
    await this.#load?.end(LOAD_LIMIT_SECONDS);
    const isWhole = await this.#dev.end(SERVICE_LIMIT_SECONDS);
    return {
      summary: this.#load?.written ?? '',
      ...(isWhole
        ? {}
        : { problem: `The service did not end within ${SERVICE_LIMIT_SECONDS} s, and was killed.` }),
    };
  }
}
