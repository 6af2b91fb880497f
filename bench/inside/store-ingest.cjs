// One process that takes profiles into a store of its own, as the collector does: what comes while a commit is on its way
// goes into the next one. Tells how many a second, and the most memory that it had.
const { readdirSync, readFileSync } = require('node:fs');
const { readFile } = require('node:fs/promises');
const { join } = require('node:path');
const { loadStore } = require('../../dist/src/collector/native-binding');

const { NativeStore } = loadStore();

/** Senders that wait for an answer, each with one profile. */
const SENDERS = 16;

const [, , folder, profiles, countText, baseText] = process.argv;
const count = Number(countText);
const base = BigInt(baseText) * 1_000_000n;
const files = readdirSync(profiles).map((name) => join(profiles, name));

function peakMegabytes() {
  return (Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024) / 1e6;
}

async function upload(number) {
  const start = base + BigInt(number) * 1_000_000n;
  return {
    service: 'shop',
    tags: ['host', `host-${number % SENDERS}`, 'version', '1.4.2'],
    start,
    end: start + 60_000_000_000n,
    parts: [{ name: 'wall.pprof', format: 'pprof', data: await readFile(files[number % files.length]) }],
  };
}

async function main() {
  const store = NativeStore.open(folder, false);
  const idle = peakMegabytes();
  let sent = 0;
  let bytes = 0;
  const nextBatch = async () => {
    const numbers = Array.from({ length: Math.min(SENDERS, count - sent) }, () => sent++);
    const uploads = await Promise.all(numbers.map(upload));
    for (const { parts } of uploads) bytes += parts[0].data.length;
    return uploads;
  };
  const begin = process.hrtime.bigint();
  const cpu = process.cpuUsage();
  let waiting = nextBatch();
  for (let kept = 0; kept < count; ) {
    const batch = await waiting;
    const commit = store.ingest(batch);
    waiting = nextBatch();
    for (const [outcome] of await commit) {
      if (outcome.state !== 'kept') throw new Error(`${outcome.state}: ${outcome.reason}`);
    }
    kept += batch.length;
  }
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  const { user, system } = process.cpuUsage(cpu);
  store.close();
  process.send({
    profilesPerSecond: count / seconds,
    cpuMillisecondsPerProfile: (user + system) / 1000 / count,
    kilobytesPerProfile: bytes / count / 1e3,
    residentMegabytes: peakMegabytes(),
    idleMegabytes: idle,
  });
}

main();
