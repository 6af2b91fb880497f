import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';
import { createCatalogue, STOCK } from './src/catalogue.mjs';
import { pick, seededRandom } from './src/random.mjs';

const REQUESTS_PER_CONNECTION = 400;
/** What "until it is interrupted" is: the longest time that a timer has. */
const MOST_SECONDS = Math.floor((2 ** 31 - 1) / 1000);
const WORDS = ['harbour', 'paper', 'winter', 'letters', 'garden', 'recipes', 'map', 'island'];
const REVIEW = `I *really* liked it.\n\n1. The maps\n2. The **recipes**\n\n> Every chapter ends with a question.\n\n${'A longer thought about it all. '.repeat(20)}`;

function post(path, body) {
  return {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
}

/** How many of a hundred requests go where. */
const MIX = [
  [46, (random, books) => ({ method: 'GET', path: `/books/${pick(random, books).slug}` })],
  [12, () => ({ method: 'GET', path: '/' })],
  [16, (random) => ({ method: 'GET', path: `/api/books?q=${pick(random, WORDS)}` })],
  [
    12,
    (random, books) =>
      post('/api/orders', {
        email: 'ana@example.org',
        items: Array.from({ length: 3 }, () => ({
          slug: pick(random, books).slug,
          copies: 1 + Math.floor(random() * 3),
        })),
      }),
  ],
  [9, () => post('/api/reviews/preview', { text: REVIEW })],
  [2, (random) => post('/api/vouchers', { cents: 500 + Math.floor(random() * 5000) })],
  [2, () => post('/api/sign-in', { email: 'ana@example.org', password: 'correct horse battery' })],
  [1, () => post('/api/reports', {})],
];

function chooseRequest(random, books) {
  let rest = random() * 100;
  for (const [share, make] of MIX) {
    rest -= share;
    if (rest < 0) return make(random, books);
  }
  return MIX[0][1](random, books);
}

/**
 * Drives the service with the mix above. What it returns resolves with autocannon's result, and has a method `stop` that ends it
 * before its time.
 * @param {{ url: string, seconds: number, rate?: number, connections?: number, seed?: number }} options `seconds` of 0 are no end,
 *   a `rate` of 0 is what the service bears
 */
export function drive({ url, seconds, rate = 0, connections = 10, seed = 1 }) {
  const { books } = createCatalogue(STOCK);
  let client = 0;
  return autocannon({
    url,
    duration: seconds || MOST_SECONDS,
    connections,
    ...(rate > 0 ? { overallRate: rate } : {}),
    setupClient(connection) {
      const random = seededRandom(seed * 1000 + client++);
      connection.setRequests(
        Array.from({ length: REQUESTS_PER_CONNECTION }, () => chooseRequest(random, books)),
      );
    },
  });
}

const HELP = `Usage: node load.mjs [--url URL] [--seconds N] [--rate N] [--connections N] [--seed N]

Sends requests to the bookshop, which must be running: node server.mjs. Ctrl+C ends it and sums up.

  --url           where it listens, http://127.0.0.1:3000
  --seconds       how long, 20; 0 for until Ctrl+C
  --rate          requests a second, 0 for as many as the service bears, which is what it does without
  --connections   how many at a time, 10
  --seed          which requests: the same seed makes the same ones, 1
  --help          show this text`;

/** The least and the most of each number. */
const RANGES = {
  seconds: [0, MOST_SECONDS],
  rate: [0, 100_000],
  connections: [1, 10_000],
  seed: [0, Number.MAX_SAFE_INTEGER / 1000],
};

function checkNumbers(values) {
  for (const [name, [least, most]] of Object.entries(RANGES)) {
    const number = Number(values[name]);
    if (values[name] === '' || !Number.isInteger(number) || number < least || number > most)
      throw new Error(
        `--${name} takes a whole number from ${least} to ${Math.floor(most)}; this is "${values[name]}".`,
      );
  }
  return values;
}

/** The command line's values; undefined where it is wrong, which is said here. */
function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        url: { type: 'string', default: 'http://127.0.0.1:3000' },
        seconds: { type: 'string', default: '20' },
        rate: { type: 'string', default: '0' },
        connections: { type: 'string', default: '10' },
        seed: { type: 'string', default: '1' },
        help: { type: 'boolean', default: false },
      },
    });
    return checkNumbers(values);
  } catch (error) {
    console.error(`${error.message}\n\n${HELP}`);
    return undefined;
  }
}

async function main() {
  const values = readOptions();
  if (values === undefined) {
    process.exitCode = 1;
    return;
  }
  if (values.help) {
    console.log(HELP);
    return;
  }
  const load = drive({
    url: values.url,
    seconds: Number(values.seconds),
    rate: Number(values.rate),
    connections: Number(values.connections),
    seed: Number(values.seed),
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => load.stop());
  const result = await load;
  if (result.requests.total === 0) {
    console.error(`No answer from ${values.url}. Start the service first: node server.mjs`);
    process.exitCode = 1;
    return;
  }
  console.log(
    `${result.requests.total} requests, ${result.requests.average} a second, ${result.latency.p99} ms at the 99th percentile`,
  );
  if (result.non2xx > 0 || result.errors > 0) {
    console.error(`${result.non2xx} answers were errors, ${result.errors} requests failed.`);
    process.exitCode = 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main();
