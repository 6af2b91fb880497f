/** A collector is killed again and again while clients send and applications leave profiles: what was acknowledged is there, and once. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { decodeProfile } from '#src/profile/read.js';
import { encodeProfile } from '../support/build-profile.js';
import { temporaryFolder } from '../support/folder.js';
import { freePorts } from '../support/ports.js';
import { CLI, type Running, start } from '../support/spawn.js';
import { type AskOptions, askAt, until } from './support/collector.js';
import { AGENT, agentUpload } from './support/upload.js';

const KILLS = Number(process.env.EVERFLAME_TEST_KILLS ?? 20);
const LIMIT_MILLISECONDS = 60_000 + KILLS * 10_000;
/** How long a collector lives at most. */
const LIFE_MILLISECONDS = 400;
const BEGUN = Date.now() - 3_600_000;
/** In the place of it stands the number of a profile. */
const PLACEHOLDER = 'inbox 000000000000';

/** A profile that no other number has: its one function has the number in its name, and as its value. */
function profileOf(name: string, value: number): Buffer {
  return encodeProfile(
    [['cpu', 'nanoseconds']],
    [{ values: [value], stack: [{ name, file: '/app/main.js' }] }],
    {
      start: BigInt(BEGUN + value) * 1_000_000n,
      durationNanoseconds: 1_000_000_000n,
    },
  );
}

/** As an Agent is sent it, and as @pyroscope/nodejs sends it, without times. */
const REQUESTS: Record<string, (name: string, value: number) => [path: string, request: AskOptions]> = {
  agent: (name, value) => {
    const [start, end] = [BEGUN + value, BEGUN + value + 1000].map((time) => new Date(time).toISOString());
    return [AGENT, agentUpload({ 'wall.pprof': profileOf(name, value) }, { start, end })];
  },
  ingest: (name, value) => [
    '/ingest?name=ingested&format=pprof',
    {
      method: 'POST',
      headers: { 'Content-Type': 'application/octet-stream' },
      body: profileOf(name, value),
    },
  ],
};

/** Leaves a profile every few milliseconds as applications do, and says so when it is there. */
const WRITER = `
  const { renameSync, writeFileSync, writeSync } = require('node:fs');
  const [, inbox, template, placeholder] = process.argv;
  const data = Buffer.from(template, 'base64');
  const place = data.indexOf(placeholder);
  let number = 0;
  setInterval(() => {
    const name = 'inbox ' + String(process.pid).padStart(7, '0') + String(number).padStart(5, '0');
    data.write(name, place, 'latin1');
    const path = inbox + '/profile.' + process.pid + '.' + number++ + '.wall.pprof';
    writeFileSync(path + '.tmp', data);
    renameSync(path + '.tmp', path);
    writeSync(1, name + '\\n');
  }, 5);`;

/** Sends one profile after the other, each until it is acknowledged. */
async function send(
  kind: string,
  url: string,
  state: { isOver: boolean },
): Promise<[name: string, value: number][]> {
  const kept: [string, number][] = [];
  for (let value = 1; !state.isOver; value++) {
    const name = `${kind} ${value}`;
    const [path, request] = (REQUESTS[kind.split(' ')[0] as string] as (typeof REQUESTS)[string])(
      name,
      value,
    );
    for (;;) {
      const { status, text } = await askAt(url, path, request).catch(() => ({ status: 0, text: '' }));
      if (status === 200) break;
      if (status !== 0 && status !== 503) throw new Error(`${status} ${text}`);
      await sleep(10);
    }
    kept.push([name, value]);
  }
  return kept;
}

/** All sums of the collector, by the function's name. */
async function sumsOf(url: string): Promise<Map<string, number>> {
  const { services } = JSON.parse((await askAt(url, '/api/v1/services')).text) as {
    services: { name: string }[];
  };
  const sums = new Map<string, number>();
  for (const { name } of services) {
    const query = `service=${encodeURIComponent(name)}&from=0&to=${Date.now() + 3_600_000}&type=cpu`;
    const { samples } = decodeProfile(name, (await askAt(url, `/api/v1/pprof?${query}`)).body);
    for (const { frames, values } of samples) {
      const [called = ''] = frames.map((frame) => frame.name);
      sums.set(called, (sums.get(called) ?? 0) + (values[0] ?? 0));
    }
  }
  return sums;
}

class Collector {
  readonly starts: number[] = [];
  private running: Running | undefined;

  constructor(
    private readonly folder: string,
    private readonly port: number,
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const begin = performance.now();
    const places = ['--store', join(this.folder, 'store'), '--inbox', join(this.folder, 'inbox')];
    this.running = start(
      process.execPath,
      [CLI, 'view', '--no-open', '--port', String(this.port), ...places],
      {
        timeout: LIMIT_MILLISECONDS,
      },
    );
    await until(
      () =>
        askAt(this.url, '/info').then(
          ({ status }) => status === 200,
          () => false,
        ),
      'the collector',
    );
    this.starts.push(performance.now() - begin);
  }

  async kill(): Promise<void> {
    this.running?.child.kill('SIGKILL');
    await this.running?.ended;
  }
}

function startWriter(t: ExecutionContext, inbox: string): Running {
  const template = gunzipSync(profileOf(PLACEHOLDER, 1)).toString('base64');
  const writer = start(process.execPath, ['-e', WRITER, inbox, template, PLACEHOLDER], {
    timeout: LIMIT_MILLISECONDS,
  });
  t.teardown(() => writer.child.kill('SIGKILL'));
  return writer;
}

test(`what is acknowledged survives ${KILLS} kills of the collector, and of writers, and is there once`, async (t) => {
  t.timeout(LIMIT_MILLISECONDS);
  const folder = temporaryFolder(t);
  const inbox = join(folder, 'inbox');
  mkdirSync(inbox);
  const [port] = (await freePorts(1)) as [number];
  const collector = new Collector(folder, port);
  t.teardown(() => collector.kill());
  await collector.start();
  const state = { isOver: false };
  const clients = ['agent 1', 'agent 2', 'agent 3', 'ingest 1'].map((kind) =>
    send(kind, collector.url, state),
  );
  let writer = startWriter(t, inbox);
  const written: string[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    await sleep(Math.random() * LIFE_MILLISECONDS);
    await collector.kill();
    if (kill % 4 === 0) {
      writer.child.kill('SIGKILL');
      written.push((await writer.ended).stdout);
      writer = startWriter(t, inbox);
    }
    await collector.start();
  }
  state.isOver = true;
  const sent = (await Promise.all(clients)).flat();
  writer.child.kill('SIGKILL');
  written.push((await writer.ended).stdout);
  await until(
    () => !readdirSync(inbox).some((name) => /^profile\..*\.pprof$/.test(name)),
    'the last of the inbox',
  );

  const sums = await sumsOf(collector.url);
  const left = written
    .flatMap((said) => said.split('\n').filter(Boolean))
    .map((name): [string, number] => [name, 1]);
  t.log(
    `${sent.length} uploads and ${left.length} files acknowledged; slowest of ${collector.starts.length} starts ${Math.max(...collector.starts).toFixed(0)} ms`,
  );
  t.true(sent.length > 0 && left.length > 0);
  const wrong = [...sent, ...left].filter(([name, value]) => sums.get(name) !== value);
  t.deepEqual(wrong, []);
  // A writer may be killed before it can say what it has left: that is there once, too.
  const acknowledged = new Set([...sent, ...left].map(([name]) => name));
  const others = [...sums].filter(([name]) => !acknowledged.has(name));
  t.true(others.length <= written.length, String(others));
  t.true(
    others.every(([name, sum]) => name.startsWith('inbox ') && sum === 1),
    String(others),
  );
});
