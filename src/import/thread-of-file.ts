import { threadName } from '../engine';

/** As Node.js names files: `CPU.<date>.<time>.<process>.<thread>.<number>.cpuprofile`, `Heap.…` (doc/api/cli.md, `--cpu-prof`). */
const OF_NODE = /^(?:CPU|Heap)\.\d{8}\.\d{6}\.\d+\.(\d+)\.\d+\.\w+profile/;

/** Name of the thread that a file of V8's is of, as far as the file's name tells. */
export function threadOfFile(name: string): string {
  const [, thread] = OF_NODE.exec(name) ?? [];
  return thread === undefined ? 'JavaScript thread' : threadName(Number(thread));
}
