'use strict';
const { writeFileSync } = require('node:fs');
const { Profiler } = require('everflame');
const { now, processCpu } = require('./clock.js');

const measure = () => ({ cpu: processCpu(), time: now() });
const between = (from, to) => ({ cpu: to.cpu - from.cpu, time: to.time - from.time });

/**
 * Does the work under a profiler set up by the environment, writes the profile to the path in the first argument
 * (none: the work is done without a profiler) and prints what is true of it. The work gets the profiler and returns
 * its own truth. The profile covers at least what lies between `start()` and `stop()` and at most these two as well.
 */
exports.profiled = async (work) => {
  const path = process.argv[2];
  if (!path) {
    console.log(JSON.stringify({ truth: await work() }));
    return;
  }
  const profiler = new Profiler({ exporters: [] });
  const before = measure();
  profiler.start();
  const started = measure();
  const { engine } = profiler.status.start;
  const truth = await work(profiler);
  const stopping = measure();
  const { counters } = profiler.metrics();
  const profile = await profiler.stop();
  const stopped = measure();
  writeFileSync(path, profile.data);
  console.log(
    JSON.stringify({
      truth,
      engine,
      counters,
      dropped: profile.dropped,
      least: between(started, stopping),
      most: between(before, stopped),
    }),
  );
};
