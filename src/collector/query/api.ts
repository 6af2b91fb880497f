import type { Reporter } from '../../export/reporter';
import { findInsights } from '../../insights/insights';
import { type Answer, json } from '../http/answer';
import type { Frames, Selection, Store } from '../store';
import { changesOf, type Order, type Scale } from './changes';
import { Parameters } from './parameters';
import { readSelection } from './selection';

const FRAMES: readonly Frames[] = ['function', 'line', 'file', 'package'];
const ORDERS: readonly Order[] = ['self', 'total'];
/** What A is scaled to: the time that B's profiles cover, the requests that came in it, or nothing. */
const SCALES: readonly Scale[] = ['time', 'requests', 'none'];
const MOST_NODES = 1_000_000;
const NODES = 65_536;
const MOST_ROWS = 100_000;
const ROWS = 1000;
const MOST_SERIES = 200;
const SERIES = 10;
/** Steps of one series, and of each of several. */
const MOST_STEPS = 20_000;
const MOST_STEPS_BY = 2000;
/** Milliseconds: more than the time from 1970 to the last that can be told. */
const LONGEST_STEP = 9_000_000_000_000;
const MOST_SAMPLES = 2_000_000;
const SAMPLES = 200_000;

const OBJECT = 'application/json';
const TREE = 'application/vnd.everflame.tree';
const TIMELINE = 'application/vnd.everflame.timeline';

type Query = (store: Store, parameters: Parameters) => Promise<Answer>;

/** The queries of docs/api.md that one store answers, by what follows `/api/v1`. */
export const QUERIES: ReadonlyMap<string, Query> = new Map<string, Query>([
  [
    '/labels',
    async (store, parameters) => select(parameters, async (at) => bytes(OBJECT, await store.labels(at))),
  ],
  ['/series', async (store, parameters) => steps(parameters, (at, options) => store.series(at, options))],
  [
    '/metrics',
    async (store, parameters) =>
      steps(parameters, async (at, options) => {
        if (at.type !== undefined)
          throw parameters.bad('type', 'is no parameter here: metrics are of processes. Leave it out.');
        return store.metrics(at, options);
      }),
  ],
  [
    '/tree',
    async (store, parameters) => {
      const options = { frames: frames(parameters), ...by(parameters), nodes: nodes(parameters) };
      return select(parameters, async (at) => bytes(TREE, await store.tree(at, options)));
    },
  ],
  [
    '/diff',
    async (store, parameters) => {
      const [a, b] = [within(parameters, 'a'), within(parameters, 'b')];
      const options = { frames: frames(parameters), nodes: nodes(parameters) };
      parameters.end();
      return bytes(TREE, await store.diff(a, b, options));
    },
  ],
  [
    '/changes',
    async (store, parameters) => {
      const [a, b] = [within(parameters, 'a'), within(parameters, 'b')];
      const by = parameters.choice('by', FRAMES, 'function');
      const order = parameters.choice('order', ORDERS, 'self');
      const scale = parameters.choice('scale', SCALES, 'time');
      const limit = parameters.count('limit', 1, MOST_ROWS, ROWS);
      parameters.end();
      const tree = await store.diff(a, b, { frames: by, nodes: MOST_NODES });
      const { rows, ...changes } = changesOf(tree, { scale, order });
      const shown = rows.slice(0, limit);
      return json({ ...changes, rows: shown, more: rows.length - shown.length });
    },
  ],
  [
    '/sandwich',
    async (store, parameters) => {
      const name = parameters.required('name', 'the name of a function');
      const options = { name, file: parameters.text('file') ?? '', nodes: nodes(parameters) };
      return select(parameters, async (at) => bytes(TREE, await store.sandwich(at, options)));
    },
  ],
  [
    '/table',
    async (store, parameters) => {
      const column = parameters.required('by', 'function, line, file, package or the key of a label');
      const options = { by: column, limit: parameters.count('limit', 1, MOST_ROWS, ROWS) };
      return select(parameters, async (at) => bytes(OBJECT, await store.table(at, options)));
    },
  ],
  [
    '/lines',
    async (store, parameters) => {
      const options = { file: parameters.required('file', 'a file as it stands in a profile') };
      return select(parameters, async (at) => bytes(OBJECT, await store.lines(at, options)));
    },
  ],
  [
    '/timeline',
    async (store, parameters) => {
      const options = { limit: parameters.count('limit', 1, MOST_SAMPLES, SAMPLES) };
      return select(parameters, async (at) => bytes(TIMELINE, await store.timeline(at, options)));
    },
  ],
  [
    '/insights',
    async (store, parameters) => select(parameters, async (at) => json(await findInsights(store, at))),
  ],
  [
    '/pprof',
    async (store, parameters) =>
      select(parameters, async (at) => ({
        type: 'application/octet-stream',
        body: await store.pprof(at),
        isPacked: true,
        headers: { 'Content-Disposition': `attachment; filename="${fileName(at, 'pb.gz')}"` },
      })),
  ],
  [
    '/profiles',
    async (store, parameters) => {
      const options = { limit: parameters.count('limit', 1, MOST_ROWS, ROWS) };
      return select(parameters, async (at) => bytes(OBJECT, await store.profiles(at, options)));
    },
  ],
]);

/** Answers `/report`: a selection as one file that shows itself, made of the built page in a folder. */
export function answerReport(
  { folder }: Store,
  parameters: Parameters,
  reporter: Reporter,
  page: string,
): Promise<Answer> {
  const isStripped = parameters.choice('strip', ['0', '1'], '0') === '1';
  return select(parameters, async (selection) => ({
    type: 'text/html; charset=utf-8',
    body: await reporter.make({ folder, selection, isStripped, page }),
    isPacked: true,
    headers: { 'Content-Disposition': `attachment; filename="${fileName(selection, 'html')}"` },
  }));
}

/** Reads the selection last, so that what is no parameter is told with all that are. */
function select(parameters: Parameters, ask: (selection: Selection) => Promise<Answer>): Promise<Answer> {
  const selection = readSelection(parameters);
  parameters.end();
  return ask(selection);
}

/** How a range is divided, and by what. */
interface Steps {
  step: number;
  by?: string;
  limit: number;
}

/** An answer in steps of time. */
function steps(
  parameters: Parameters,
  ask: (selection: Selection, options: Steps) => Promise<Buffer>,
): Promise<Answer> {
  const step = parameters.count('step', 1, LONGEST_STEP, 0);
  if (step === 0) throw parameters.bad('step', 'is missing. Give milliseconds.');
  const options: Steps = {
    step,
    ...by(parameters),
    limit: parameters.count('limit', 1, MOST_SERIES, SERIES),
  };
  return select(parameters, async (at) => {
    const most = options.by === undefined ? MOST_STEPS : MOST_STEPS_BY;
    if ((at.to - at.from) / step > most) {
      const least = Math.ceil((at.to - at.from) / most);
      throw parameters.bad('step', `is ${step}, too short for this range. Give ${least} or more.`);
    }
    return bytes(OBJECT, await ask(at, options));
  });
}

/** A selection that is a query string of its own. */
function within(parameters: Parameters, name: 'a' | 'b'): Selection {
  const text = parameters.required(name, 'a selection as a query string, such as service=shop');
  const own = new Parameters(new URLSearchParams(text), `${name}: `);
  const selection = readSelection(own);
  own.end();
  return selection;
}

function frames(parameters: Parameters): Frames {
  return parameters.choice('frames', FRAMES, 'function');
}

function nodes(parameters: Parameters): number {
  return parameters.count('nodes', 1, MOST_NODES, NODES);
}

function by(parameters: Parameters): { by?: string } {
  const key = parameters.text('by');
  return key ? { by: key } : {};
}

function bytes(type: string, body: Buffer): Answer {
  return { type, body };
}

/** Such as `shop-2026-11-22T10-00-00.pb.gz`, of letters that each file system takes. */
function fileName({ service, to }: Selection, extension: string): string {
  const time = new Date(to).toISOString().slice(0, 19).replaceAll(':', '-');
  return `${service.replace(/[^\w.-]+/g, '_').slice(0, 80)}-${time}.${extension}`;
}
