import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { whyNoRoom } from '../../upload/no-thread';
import { formatValue } from '../format';
import { finding, type Part, type State } from './report';

/** A setting or a limit of the system. */
export interface KernelFact {
  name: string;
  value: string;
  /** What it means for profiling; a whole sentence. */
  meaning: string;
}

/** Below that many free timers or threads a service of some size comes to the end of them. */
const FEW = 64;
const FEW_THREADS = 16;
const LITTLE_MEMORY = 256 * 1024 ** 2;
/** What the kernel says for no limit of a cgroup of version 1, and beyond. */
const UNLIMITED = 2 ** 60;

/** Settings and limits of Linux that decide what a profiler may do. */
export function checkKernel(): Part<KernelFact[]> {
  if (process.platform !== 'linux') return { facts: [], findings: [] };
  const facts: KernelFact[] = [];
  const findings: Part<unknown>['findings'] = [];
  const add = (
    name: string,
    value: string | undefined,
    state: State,
    meaning: string,
    remedy?: string,
  ): void => {
    if (value === undefined) return;
    facts.push({ name, value, meaning });
    findings.push(finding(state, idOf(name), `${name} is ${value}. ${meaning}`, remedy));
  };

  const status = read('/proc/self/status');
  if (status === undefined || read('/proc/self/maps') === undefined) {
    const meaning = 'The native sampler reads its own process there and does not work without it.';
    add('/proc', 'not mounted', 'warning', meaning, 'Mount proc at /proc in this container or sandbox.');
    return { facts, findings };
  }
  add('/proc', 'mounted', 'ok', 'The native sampler reads its own process there.');

  const paranoid = read('/proc/sys/kernel/perf_event_paranoid');
  add('kernel.perf_event_paranoid', paranoid, 'note', paranoidMeaning(Number(paranoid)));
  add(
    'kernel.kptr_restrict',
    read('/proc/sys/kernel/kptr_restrict'),
    'note',
    'It hides addresses of the kernel, which Everflame does not read: any value will do.',
  );
  add(
    'kernel.yama.ptrace_scope',
    read('/proc/sys/kernel/yama/ptrace_scope'),
    'note',
    'It limits debuggers of other processes. Everflame looks at its own process only: any value will do.',
  );

  // SigQ is used/limit (proc(5)).
  const [used, limit] = (/^SigQ:\s*(\d+)\/(\d+)/m.exec(status) ?? []).slice(1).map(Number);
  if (used !== undefined && limit !== undefined) {
    const few = limit - used < FEW;
    const meaning = `${used} are in use by this user. The engine ctimer takes one for each thread; a thread without one is interrupted by the profiler itself.`;
    add(
      'RLIMIT_SIGPENDING',
      String(limit),
      few ? 'warning' : 'ok',
      meaning,
      few ? 'Raise it (ulimit -i).' : undefined,
    );
  }
  const limits = read('/proc/self/limits') ?? '';
  const addresses = /^Max address space\s+(\S+)/m.exec(limits)?.[1];
  const isTight = whyNoRoom() !== undefined;
  add(
    'RLIMIT_AS',
    addresses === 'unlimited' ? 'no limit' : addresses && formatValue(Number(addresses), 'bytes'),
    isTight ? 'warning' : 'ok',
    isTight
      ? 'That is too little for the thread that sends profiles; what it would send stays in the spool.'
      : 'The thread that sends profiles has room in it.',
    isTight ? 'Raise it by 2 GiB (ulimit -v).' : undefined,
  );
  const files = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  add(
    'RLIMIT_NOFILE',
    files,
    'ok',
    'The engine perf takes one for each thread, of half of them at most; the others take none.',
  );
  const seccomp = /^Seccomp:\s*(\d)/m.exec(status)?.[1];
  add(
    'seccomp',
    seccomp === undefined ? undefined : (['off', 'strict', 'a filter'][Number(seccomp)] ?? seccomp),
    'note',
    seccomp === '0'
      ? 'No system call is forbidden.'
      : 'It may forbid perf_event_open; the other engines do not need it.',
  );
  const privileges = /^NoNewPrivs:\s*(\d)/m.exec(status)?.[1];
  add('no_new_privs', privileges, 'note', 'Everflame needs no privilege: any value will do.');

  addCgroup(add);
  return { facts, findings };
}

function idOf(name: string): string {
  return `kernel.${name.replace(/^(kernel\.|\/)/, '').replaceAll(' ', '.')}`;
}

function paranoidMeaning(value: number): string {
  if (value > 2) return 'The engine perf needs CAP_PERFMON; the others need no permission.';
  if (value === 2)
    return 'The engine perf is allowed; without CAP_PERFMON it takes samples in user code only.';
  return 'The engine perf is allowed.';
}

function addCgroup(
  add: (name: string, value: string | undefined, state: State, meaning: string, remedy?: string) => void,
): void {
  const text = read('/proc/self/cgroup') ?? '';
  const threads = limitOf(text, 'pids', ['pids.max'], ['pids.current']);
  if (threads) {
    const few = threads.limit - threads.used < FEW_THREADS;
    add(
      'cgroup pids.max',
      amount(threads.limit),
      few ? 'warning' : 'ok',
      `${threads.used} are in use. Everflame takes a few threads of its own.`,
      few ? 'Raise the limit of processes of this container.' : undefined,
    );
  }
  const memory = limitOf(
    text,
    'memory',
    ['memory.max', 'memory.limit_in_bytes'],
    ['memory.current', 'memory.usage_in_bytes'],
  );
  if (!memory) return;
  const little = memory.limit < LITTLE_MEMORY;
  const bytes = (value: number): string => (value >= UNLIMITED ? 'no limit' : formatValue(value, 'bytes'));
  add(
    'cgroup memory',
    bytes(memory.limit),
    little ? 'warning' : 'ok',
    `${bytes(memory.used)} are in use. EVERFLAME_MEMORY_CAP limits what the sampler holds.`,
    little ? 'Lower EVERFLAME_MEMORY_CAP, or raise the limit of memory of this container.' : undefined,
  );
}

function amount(value: number): string {
  return value >= UNLIMITED ? 'no limit' : String(value);
}

/** A limit of the cgroup of this process and what is used of it; of the first folder that has one. */
function limitOf(
  cgroups: string,
  controller: string,
  limits: string[],
  uses: string[],
): { limit: number; used: number } | undefined {
  for (const folder of foldersOf(cgroups, controller)) {
    const limit = firstOf(folder, limits);
    const used = firstOf(folder, uses);
    if (limit === undefined || used === undefined) continue;
    return { limit: limit === 'max' ? Number.POSITIVE_INFINITY : Number(limit), used: Number(used) };
  }
  return undefined;
}

function firstOf(folder: string, names: string[]): string | undefined {
  return names.map((name) => read(join(folder, name))).find((text) => text !== undefined);
}

/** Where the cgroup is mounted, in the view of the host and of a container. */
function foldersOf(cgroups: string, controller: string): string[] {
  const root = '/sys/fs/cgroup';
  return cgroups.split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) return [];
    if (controllers === '') return [join(root, path), root];
    return controllers.split(',').includes(controller)
      ? [join(root, controller, path), join(root, controller)]
      : [];
  });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
