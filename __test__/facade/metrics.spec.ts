import { readFileSync } from 'node:fs';
import test from 'ava';
import { BURN } from '../support/burn.js';
import { ROOT, run } from '../support/spawn.js';

/** The names in the first column of the tables under a heading of docs/metrics.md, with their units. */
function documented(heading: string): Map<string, string> {
  const page = readFileSync('docs/metrics.md', 'utf8');
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const rows = section.matchAll(/^\| `([^`]+)` \| ([^|]+) \| [^|]+ \|$/gm);
  return new Map([...rows].map(([, name, unit]) => [name as string, unit as string]));
}

async function metricsOf(engine: string, delivery = 'exporters: []') {
  const script = `const { Profiler } = require(${JSON.stringify(ROOT)}); ${BURN}
    const profiler = new Profiler({ engine: '${engine}', ${delivery} }).start(); burn(100);
    profiler.stop().then(() => console.log(JSON.stringify(profiler.metrics())));`;
  const end = await run(process.execPath, ['-e', script]);
  return JSON.parse(end.stdout) as { counters: Record<string, number>; [part: string]: unknown };
}

for (const [engine, heading] of [
  ['auto', '`counters` of the native sampler'],
  ['inspector', '`counters` of the inspector engine'],
] as const) {
  test(`docs/metrics.md has every counter of the engine ${engine} with its unit, and no other`, async (t) => {
    const table = documented(heading);
    const { counters } = await metricsOf(engine);
    t.deepEqual([...table.keys()].sort(), Object.keys(counters).sort());
    for (const [name, unit] of table) {
      const named = /_(nanoseconds|bytes)$/.exec(name)?.[1];
      if (named) t.is(unit, named, name);
    }
  });
}

test('docs/metrics.md has what else metrics() tells', async (t) => {
  const { counters, ...rest } = await metricsOf('inspector');
  const names = Object.entries(rest).flatMap(([part, value]) =>
    Array.isArray(value) ? [part] : Object.keys(value as object).map((name) => `${part}.${name}`),
  );
  t.deepEqual([...documented('The rest').keys()].sort(), names.sort());
  t.true(Object.keys(counters).length > 0);
});

test('docs/metrics.md has every counter of uploads with its unit, and no other', async (t) => {
  const table = documented('`uploads`');
  const { uploads } = await metricsOf('inspector', "url: 'http://127.0.0.1:9', spool: 'off'");
  t.deepEqual([...table.keys()].sort(), Object.keys(uploads as object).sort());
  for (const [name, unit] of table) if (name.endsWith('_bytes')) t.is(unit, 'bytes', name);
});
