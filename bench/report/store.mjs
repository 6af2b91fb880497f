import { median } from './statistics.mjs';

const INGEST = {
  sums: 'pprof of 2000 rows, gzip',
  samples: 'pprof of 6000 samples with times and 7 labels, gzip',
};
const DATABASES = { sqlite: 'node:sqlite', duckdb: '@duckdb/node-api' };
/** Milliseconds that a tree may take at the API. */
const QUERY_BUDGETS = { one: 100, ten: 500, days: 1000 };
const LEAST_PROFILES_A_SECOND = 200;
const MOST_RESIDENT_MEGABYTES = 200;

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [
    line(head),
    `|---|${head
      .slice(1)
      .map(() => '---:|')
      .join('')}`,
    ...rows.map(line),
    '',
  ];
}

function ingestTable(runs) {
  const head = [
    'one process that takes',
    'KB a profile',
    'profiles/s',
    'CPU ms a profile',
    'peak RSS MB',
    'stored KB',
  ];
  const rows = Object.entries(runs).map(([kind, rounds]) => {
    const of = (metric, decimals) => median(rounds.map((run) => run[metric])).toFixed(decimals);
    return [
      INGEST[kind],
      of('kilobytesPerProfile', 0),
      of('profilesPerSecond', 0),
      of('cpuMillisecondsPerProfile', 1),
      of('residentMegabytes', 0),
      of('storedKilobytesPerProfile', 1),
    ];
  });
  return table(head, rows);
}

function timesOf(way) {
  return way === undefined ? '' : `${median(way.later).toFixed(0)} (${Math.max(...way.later).toFixed(0)})`;
}

function nameOf({ profiles, instances }) {
  return `${profiles.toLocaleString('en')} profiles of ${instances} ${instances === 1 ? 'instance' : 'instances'}`;
}

function queryTable(queries) {
  const head = [
    'a tree of',
    'disk MB',
    'first ms',
    'binding ms (worst)',
    'HTTP ms (worst)',
    'nodes (left out)',
    'answer MB',
  ];
  const rows = queries.map((query) => [
    nameOf(query),
    query.diskMegabytes.toFixed(0),
    query.binding.first.toFixed(0),
    timesOf(query.binding),
    timesOf(query.http),
    `${query.nodes} (${query.omitted})`,
    (query.bytes / 1e6).toFixed(1),
  ]);
  return table(head, rows);
}

function besideTable({ queries, decodeMilliseconds, databases }) {
  const [one, ten] = queries;
  const head = [
    'the same without the store',
    `${one.profiles} profiles, ms`,
    `${ten.profiles}, ms`,
    'disk MB',
    'write ms a profile',
    'RSS MB',
  ];
  const decoded = ({ profiles }) => (profiles * decodeMilliseconds).toFixed(0);
  const rows = [
    [
      `pprof-format: decode each file (${decodeMilliseconds.toFixed(1)} ms), merge nothing`,
      decoded(one),
      decoded(ten),
      '',
      '',
      '',
    ],
    ...Object.entries(databases).map(([engine, measured]) => {
      const title = `${DATABASES[engine]}: a row a sample, sum by stack, no tree`;
      if (measured === null) return [`${title}: not on this Node.js`, '', '', '', '', ''];
      const times = ({ instances }) => median(measured.queries[instances]).toFixed(0);
      return [
        title,
        times(one),
        times(ten),
        measured.diskMegabytes.toFixed(0),
        measured.writeMilliseconds.toFixed(2),
        measured.residentMegabytes.toFixed(0),
      ];
    }),
  ];
  return table(head, rows);
}

/** What of `measureStore` has a budget, as `judge` gives it for other sections. */
export function judgeStore({ ingest, queries }) {
  const verdicts = queries.map((query) => {
    const measured = median((query.http ?? query.binding).later);
    const allowed = QUERY_BUDGETS[query.name];
    const way = query.http ? 'over HTTP' : 'at the binding';
    return {
      what: `a tree of ${nameOf(query)}, ${way}`,
      unit: 'ms',
      measured,
      allowed,
      met: measured <= allowed,
    };
  });
  for (const [kind, rounds] of Object.entries(ingest)) {
    const rate = median(rounds.map((run) => run.profilesPerSecond));
    const resident = median(rounds.map((run) => run.residentMegabytes));
    verdicts.push(
      {
        what: `time for a profile that is taken in: ${INGEST[kind]}`,
        unit: 'ms',
        measured: 1000 / rate,
        allowed: 1000 / LEAST_PROFILES_A_SECOND,
        met: rate >= LEAST_PROFILES_A_SECOND,
      },
      {
        what: `peak RSS of the process that takes them: ${INGEST[kind]}`,
        unit: 'MB',
        measured: resident,
        allowed: MOST_RESIDENT_MEGABYTES,
        met: resident <= MOST_RESIDENT_MEGABYTES,
      },
    );
  }
  return verdicts;
}

/** The tables of `measureStore` for a reader. */
export function storeTables(result) {
  return [
    `### store, ${result.rounds === 1 ? 'one round' : `${result.rounds} interleaved rounds`}`,
    '',
    ...ingestTable(result.ingest),
    ...queryTable(result.queries),
    `The process that asked had ${result.queryResidentMegabytes.toFixed(0)} MB at most.`,
    '',
    ...besideTable(result),
  ].join('\n');
}
