import { execFileSync, fork } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, rotate } from '../report/statistics.mjs';

const WORKLOAD = fileURLToPath(new URL('../store-workload/Cargo.toml', import.meta.url));
const HOUR = 3_600_000;
/** Two kinds of profile: see `Kind` in store-workload. */
export const KINDS = ['sums', 'samples'];
export const DATABASES = ['sqlite', 'duckdb'];

const FULL = {
  files: 120,
  profiles: { sums: 1500, samples: 600 },
  minutes: 360,
  hours: 168,
  instances: 10,
  decoded: 20,
  databaseRounds: 5,
};
const QUICK = {
  files: 8,
  profiles: { sums: 40, samples: 20 },
  minutes: 3,
  hours: 2,
  instances: 2,
  decoded: 2,
  databaseRounds: 1,
};

function workload(...args) {
  const cargo = ['run', '--quiet', '--release', '--manifest-path', WORKLOAD, '--', ...args.map(String)];
  execFileSync('cargo', cargo, { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** The one message of a program of bench/inside; rejects where it ends without one. */
function ask(program, args, node) {
  const path = fileURLToPath(new URL(`../inside/${program}`, import.meta.url));
  return new Promise((resolve, reject) => {
    const child = fork(path, args.map(String), { execPath: node });
    child.once('message', resolve);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${program} ended with ${code} before it had a result`)));
  });
}

/** `cpu` of the rows of the first instances, in the file that store-workload has made: what a tree has to say. */
function totalOf(rowsFile, instances) {
  const handle = openSync(rowsFile, 'r');
  const bytes = Buffer.alloc(48 * 20_000);
  let total = 0;
  for (let length = readSync(handle, bytes); length > 0; length = readSync(handle, bytes)) {
    for (let at = 0; at < length; at += 48) {
      if (bytes.readDoubleLE(at) < instances) total += bytes.readDoubleLE(at + 40);
    }
  }
  closeSync(handle);
  return total;
}

async function measureIngest(folder, scale, rounds, node) {
  const runs = Object.fromEntries(KINDS.map((kind) => [kind, []]));
  for (const kind of KINDS) workload('files', join(folder, kind), scale.files, kind);
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of rotate(KINDS, round)) {
      console.error(`store: ingest, round ${round + 1} of ${rounds}, ${kind}`);
      const store = mkdtempSync(join(folder, 'ingest-'));
      const args = [store, join(folder, kind), scale.profiles[kind], Date.now() - 2 * HOUR];
      const run = await ask('store-ingest.cjs', args, node);
      const stored = statSync(join(store, 'profiles.sqlite')).size / scale.profiles[kind];
      runs[kind].push({ ...run, storedKilobytesPerProfile: stored / 1e3 });
      rmSync(store, { recursive: true });
    }
  }
  return runs;
}

/** Three stores: hours of one instance, of ten, and days of ten with sums of hours. Those that are in the folder are taken. */
function fill(folder, { minutes, hours, instances }) {
  const list = join(folder, 'stores.json');
  if (existsSync(list))
    return JSON.parse(readFileSync(list, 'utf8')).map((store) => ({
      ...store,
      folder: join(folder, store.name),
    }));
  const end = Math.floor(Date.now() / HOUR) * HOUR;
  const stores = [
    { name: 'one', task: 'fill', length: minutes, minutes, instances: 1 },
    { name: 'ten', task: 'fill', length: minutes, minutes, instances },
    { name: 'days', task: 'age', length: hours, minutes: 60 * hours, instances },
  ].map(({ name, task, length, minutes, instances }) => {
    const profiles = minutes * instances;
    console.error(`store: filling one with ${profiles} profiles`);
    const place = join(folder, name);
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place, { recursive: true });
    const begin = performance.now();
    workload(task, place, length, instances, end);
    const fillSeconds = (performance.now() - begin) / 1e3;
    return { name, from: end - minutes * 60_000, to: end, minutes, profiles, instances, fillSeconds };
  });
  writeFileSync(list, JSON.stringify(stores));
  return fill(folder, {});
}

async function measureDatabases(folder, rowsFile, { instances, databaseRounds }, node) {
  const result = {};
  for (const engine of DATABASES) {
    console.error(`store: a row a sample in ${engine}`);
    const args = [engine, join(folder, engine), rowsFile, `1,${instances}`, databaseRounds];
    result[engine] = await ask('store-rows.mjs', args, node);
  }
  return result;
}

/**
 * The collector's store with the profiles of a large service: how many it takes a second, and how long a tree takes that the
 * API hands out, beside decoding the profiles as they came and beside databases with a row a sample. `stores` is a folder in
 * which filled stores are, or are left for the next run.
 */
export async function measureStore({ rounds, quick, node, stores: kept }) {
  const scale = quick ? QUICK : FULL;
  const folder = mkdtempSync(join(tmpdir(), 'everflame-store-bench-'));
  try {
    const ingest = await measureIngest(folder, scale, rounds, node);
    const { times } = await ask('store-decode.mjs', [join(folder, 'sums'), scale.decoded], node);
    const stores = fill(kept ?? join(folder, 'stores'), scale);
    console.error('store: asking for trees');
    const { answers, residentMegabytes } = await ask(
      'store-query.cjs',
      [JSON.stringify(stores), rounds],
      node,
    );
    const rowsFile = join(folder, 'rows');
    workload('rows', rowsFile, scale.minutes, scale.instances);
    for (const { name, instances } of stores.filter((store) => store.minutes === scale.minutes)) {
      const expected = totalOf(rowsFile, instances);
      if (answers[name].total !== expected) {
        throw new Error(
          `The tree of ${name} has ${answers[name].total} ns in all, and its rows ${expected}.`,
        );
      }
    }
    return {
      rounds,
      ingest,
      decodeMilliseconds: median(times),
      queries: stores.map(({ folder: place, ...store }) => ({
        ...store,
        diskMegabytes: statSync(join(place, 'profiles.sqlite')).size / 1e6,
        ...answers[store.name],
      })),
      queryResidentMegabytes: residentMegabytes,
      databases: await measureDatabases(folder, rowsFile, scale, node),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
