import type { FrameKind } from '../../../viewer/src/api/tree.js';
import { type GivenMetrics, metricsOf } from './metrics.js';

/** A frame of the fixture. */
export interface GivenFrame {
  name: string;
  file: string;
  line: number;
  kind: FrameKind;
  package: string;
}

/** A sample: its stack from root to leaf, and what it counts for each type. */
export interface GivenSample {
  stack: GivenFrame[];
  labels: ReadonlyMap<string, string>;
  values: ReadonlyMap<string, number>;
  /** Milliseconds after the start of its profile. */
  end: number;
}

/** A profile of one process. */
export interface GivenProfile {
  id: string;
  service: string;
  /** Milliseconds since the epoch. */
  from: number;
  to: number;
  kind: string;
  tags: ReadonlyMap<string, string>;
  samples: GivenSample[];
  /** Other clients tell nothing. */
  metrics?: GivenMetrics;
}

/** A name that would be markup wherever it is not text. */
export const MARKUP = '<img src=x onerror="document.title=\'taken\'">';
export const MINUTE = 60_000;
/** Profiles of each process of the fixture: one a minute. */
export const MINUTES = 60;
/** The minute from which on version 1.5.0 runs, in which `renderCart` takes three times as long. */
export const NEW_VERSION = 30;
const MS = 1e6;

function frameOf(text: string): GivenFrame {
  const [kind, name, file, line] = text.split('|') as [FrameKind, string, string, string];
  const [, installed] = file.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/) ?? [];
  const packages = {
    app: '(your code)',
    package: installed ?? '',
    node: 'node',
    native: 'libc.so.6',
    gc: 'node',
    group: '',
  };
  return { kind, name, file, line: Number(line), package: packages[kind] };
}

const LOOP = [
  'native|start_thread||0',
  'node|processTicksAndRejections|node:internal/process/task_queues|105',
  'node|onParserExecuteCommon|node:_http_server|811',
  'package|Layer.handle|/srv/shop/node_modules/router/lib/layer.js|95',
];

/** Stacks of one minute in version 1.4.0: thread, endpoint, milliseconds of CPU and of waiting, frames above the loop. */
const WORK: [thread: string, endpoint: string, cpu: number, wait: number, frames: string[]][] = [
  [
    'main',
    'GET /cart',
    401,
    0,
    ['app|getCart|/srv/shop/src/cart.ts|12', 'app|renderCart|/srv/shop/src/cart.ts|40'],
  ],
  [
    'main',
    'GET /cart',
    211,
    0,
    [
      'app|getCart|/srv/shop/src/cart.ts|14',
      'app|renderCart|/srv/shop/src/cart.ts|44',
      'node|stringify|node:internal/json|3',
    ],
  ],
  [
    'main',
    'GET /cart',
    97,
    503,
    [
      'app|getCart|/srv/shop/src/cart.ts|16',
      'package|query|/srv/shop/node_modules/pg/lib/client.js|512',
      'native|epoll_wait||0',
    ],
  ],
  [
    'main',
    'GET /cart',
    53,
    0,
    [
      'app|getCart|/srv/shop/src/cart.ts|16',
      'package|query|/srv/shop/node_modules/pg/lib/client.js|512',
      'package|parseRow|/srv/shop/node_modules/pg-protocol/dist/parser.js|88',
    ],
  ],
  [
    'main',
    'POST /order',
    307,
    0,
    [
      'app|postOrder|/srv/shop/src/order.ts|8',
      'package|validate|/srv/shop/node_modules/ajv/dist/ajv.js|161',
      'app|<anonymous>|/srv/shop/src/schema.ts|3',
    ],
  ],
  [
    'main',
    'POST /order',
    151,
    0,
    [
      'app|postOrder|/srv/shop/src/order.ts|21',
      'node|pbkdf2Sync|node:internal/crypto/pbkdf2|62',
      'native|EVP_PBE_scrypt||0',
    ],
  ],
  [
    'main',
    'POST /order',
    89,
    0,
    [
      'app|postOrder|/srv/shop/src/order.ts|30',
      'app|priceOf|/srv/shop/src/price.ts|5',
      'app|priceOf|/srv/shop/src/price.ts|9',
      'app|priceOf|/srv/shop/src/price.ts|9',
      'app|round|/srv/shop/src/price.ts|30',
    ],
  ],
  [
    'main',
    'POST /order',
    41,
    0,
    [
      'app|postOrder|/srv/shop/src/order.ts|30',
      'app|priceOf|/srv/shop/src/price.ts|5',
      'app|constructor|/srv/shop/src/price.ts|2',
    ],
  ],
  [
    'main',
    'GET /search',
    173,
    0,
    [`app|search|/srv/shop/src/search.ts|7`, `app|${MARKUP}|/srv/shop/src/search.ts|19`],
  ],
  [
    'main',
    'GET /search',
    61,
    0,
    [
      'app|search|/srv/shop/src/search.ts|9',
      'app|__proto__|/srv/shop/src/search.ts|27',
      'node|exec|node:internal/regexp|1',
    ],
  ],
  ['main', '', 113, 0, ['gc|Minor GC|node|0']],
  ['main', '', 29, 5987, ['native|uv__io_poll||0']],
  [
    'worker 1',
    '',
    521,
    0,
    [
      'app|resize|/srv/shop/src/image-worker.ts|11',
      'package|encode|/srv/shop/node_modules/@img/codec/index.js|77',
      'native|png_write_row||0',
    ],
  ],
  [
    'worker 1',
    '',
    227,
    0,
    [
      'app|resize|/srv/shop/src/image-worker.ts|12',
      'package|encode|/srv/shop/node_modules/@img/codec/index.js|79',
      'package|deflate|/srv/shop/node_modules/@img/codec/deflate.js|140',
    ],
  ],
  ['worker 1', '', 3, 5003, ['native|uv__io_poll||0']],
  ['libuv-worker', '', 83, 19, ['native|uv__work||0', 'native|uv__fs_read||0']],
];

const BYTES: [number, string[]][] = [
  [1 << 20, ['app|getCart|/srv/shop/src/cart.ts|14', 'app|renderCart|/srv/shop/src/cart.ts|44']],
  [
    3 << 18,
    ['app|postOrder|/srv/shop/src/order.ts|8', 'package|validate|/srv/shop/node_modules/ajv/dist/ajv.js|161'],
  ],
  [5 << 17, ['app|search|/srv/shop/src/search.ts|7', 'app|buildIndex|/srv/shop/src/search.ts|60']],
];

function samplesOf(version: string, load: number): GivenSample[] {
  let end = 0;
  const samples = WORK.map(([thread, endpoint, cpu, wait, frames], index): GivenSample => {
    const slower = version === '1.5.0' && frames.some((frame) => frame.includes('renderCart')) ? 3 : 1;
    const spent = cpu * slower * load * MS;
    const waited = wait * MS;
    end += (spent + waited) / MS / 4;
    const labels = new Map([
      ['thread name', thread],
      ['thread id', String(index % 3)],
    ]);
    if (endpoint !== '') labels.set('trace endpoint', endpoint);
    const root = endpoint === '' ? LOOP.slice(0, 1) : LOOP;
    return {
      stack: [...root, ...frames].map(frameOf),
      labels,
      values: new Map([
        ['sample', Math.round((spent + waited) / MS)],
        ['wall', spent + waited],
        ['cpu', spent],
      ]),
      end: Math.min(end, MINUTE - 1),
    };
  });
  const kept = BYTES.map(
    ([bytes, frames]): GivenSample => ({
      stack: [...LOOP, ...frames].map(frameOf),
      labels: new Map([['thread name', 'main']]),
      values: new Map([
        ['inuse_objects', bytes >> 10],
        ['inuse_space', bytes * load],
      ]),
      end: 0,
    }),
  );
  return [...samples, ...kept];
}

/** A profile of the shop of one minute that ends at `to`, with all the fixture's samples. */
export function shopProfile(to: number, version: string, host: string, load = 1): GivenProfile {
  return {
    id: `shop-${host}-${to}`,
    service: 'shop',
    from: to - MINUTE,
    to,
    kind: 'wall',
    tags: new Map([
      ['env', 'prod'],
      ['version', version],
      ['host', host],
      ['runtime-id', `${host}${version}`.replaceAll(/[-.]/g, '')],
    ]),
    samples: samplesOf(version, load),
    metrics: metricsOf(version, load),
  };
}

/**
 * An hour of two processes of a shop, the second with half the load, and an hour of a mailer whose one function is idle most of the time.
 * @param end when the last profile ends, milliseconds since the epoch
 */
export function hourOfProfiles(end: number): GivenProfile[] {
  const profiles: GivenProfile[] = [];
  for (let minute = 0; minute < MINUTES; minute++) {
    const to = end - (MINUTES - 1 - minute) * MINUTE;
    const version = minute < NEW_VERSION ? '1.4.0' : '1.5.0';
    profiles.push(shopProfile(to, version, 'web-1'), shopProfile(to, version, 'web-2', 0.5));
    const { metrics: _, ...mailer } = shopProfile(to, '0.1.0', 'mail-1');
    profiles.push({
      ...mailer,
      id: `mailer-${to}`,
      service: 'mailer',
      samples: [
        {
          stack: ['native|start_thread||0', 'app|send|/srv/mailer/send.ts|4'].map(frameOf),
          labels: new Map([['thread name', 'main']]),
          values: new Map([
            ['wall', 60_000 * MS],
            ['cpu', (minute % 7) * 100 * MS],
          ]),
          end: MINUTE - 1,
        },
      ],
    });
  }
  return profiles;
}
