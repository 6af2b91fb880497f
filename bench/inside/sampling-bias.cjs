// A loop that asks for its CPU time every 0.4 ms: how much of it a profile gives to the asking, beside what that takes.
const { gunzipSync } = require('node:zlib');
const { Profile } = require('pprof-format');
const { Profiler } = require('../../dist/index.js');

const [engine, seconds] = process.argv.slice(2);
const MILLISECONDS = Number(seconds) * 1000;

function spin(rounds) {
  let x = 1;
  for (let round = 0; round < rounds; round += 1) x = (x * 31 + round) % 65537;
  return x;
}

/** How many rounds take about so many milliseconds. */
function calibrate(milliseconds) {
  for (let rounds = 1000; ; rounds *= 2) {
    const start = performance.now();
    spin(rounds);
    const took = performance.now() - start;
    if (took > 20) return Math.round((rounds * milliseconds) / took);
  }
}

function askForCpuTime() {
  return process.cpuUsage();
}

function asks() {
  const rounds = calibrate(0.4);
  const end = process.cpuUsage().user + MILLISECONDS * 1000;
  let calls = 0;
  while (askForCpuTime().user < end) {
    spin(rounds);
    calls += 1;
  }
  return calls;
}

/** What as many calls take by themselves, as a share of the loop. */
function truthOfAsks(calls) {
  const start = process.cpuUsage();
  for (let call = 0; call < calls; call += 1) askForCpuTime();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000 / MILLISECONDS;
}

/** The share of a loop's CPU time that a profile has in a function. */
function shareIn(profile, name, loop) {
  const text = (index) => profile.stringTable.strings[Number(index)];
  const functions = new Map(profile.function.map(({ id, name: index }) => [Number(id), text(index)]));
  const locations = new Map(
    profile.location.map(({ id, line }) => [
      Number(id),
      line.map(({ functionId }) => functions.get(Number(functionId))),
    ]),
  );
  let all = 0;
  let found = 0;
  for (const { locationId, value } of profile.sample) {
    const stack = locationId.flatMap((id) => locations.get(Number(id)));
    if (!stack.includes(loop)) continue;
    all += Number(value[2]);
    if (stack.includes(name)) found += Number(value[2]);
  }
  return found / all;
}

async function main() {
  const profiler = new Profiler({ engine, rate: 1000, exporters: [] }).start();
  const calls = asks();
  const { data } = await profiler.stop();
  const found = shareIn(Profile.decode(gunzipSync(data)), 'askForCpuTime', 'asks');
  process.send({ found, truth: truthOfAsks(calls) }, () => process.exit(0));
}

main();
