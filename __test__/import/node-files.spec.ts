/** Files that this very Node.js writes, held to what they say themselves. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder } from '../support/folder.js';
import { run } from '../support/spawn.js';
import { add, openFiles, table, totals } from './support/shown.js';

const PROGRAM = `
const kept = (globalThis.kept = []);
function keep() { for (let i = 0; i < 2e5; i++) kept.push({ i, list: [i] }); }
function burn(milliseconds) {
  const end = process.cpuUsage().user + milliseconds * 1000;
  let sum = 0;
  while (process.cpuUsage().user < end) for (let i = 0; i < 1e5; i++) sum += Math.sqrt(i);
  return sum;
}
keep();
burn(600);
setTimeout(() => burn(200), 300);
`;

interface CpuFile {
  startTime: number;
  endTime: number;
  samples: number[];
  nodes: { id: number; callFrame: { functionName: string } }[];
}

interface HeapNode {
  selfSize: number;
  children: HeapNode[];
}

function bytesOf({ selfSize, children }: HeapNode): number {
  return children.reduce((sum, child) => sum + bytesOf(child), selfSize);
}

test('node --cpu-prof and --heap-prof: the sums are those of the files', async (t) => {
  const folder = temporaryFolder(t, { 'app.js': PROGRAM });
  const { code, stderr } = await run(process.execPath, ['--cpu-prof', '--heap-prof', 'app.js'], {
    cwd: folder,
  });
  t.is(code, 0, stderr);
  const files = openFiles(t);
  const show = async (end: string) => {
    const name = readdirSync(folder).find((one) => one.endsWith(end)) as string;
    const data = readFileSync(join(folder, name));
    const modified = statSync(join(folder, name)).mtimeMs;
    return {
      name,
      json: JSON.parse(data.toString()),
      shown: await add(files, name, data, modified),
      modified,
    };
  };

  const cpu = await show('.cpuprofile');
  const { startTime, endTime, samples, nodes } = cpu.json as CpuFile;
  const wall = (endTime - startTime) * 1000;
  t.is(totals(cpu.shown).wall, `${wall} nanoseconds`);
  t.is(totals(cpu.shown).sample, `${samples.length} count`);
  t.true(Math.abs(cpu.shown.to - cpu.modified) <= 1);
  const rows = async (type: string) => (await table(files, cpu.name, type)).rows;
  const counts = await rows('sample');
  for (const name of ['burn', 'keep', '(idle)']) {
    const ids = new Set(nodes.filter(({ callFrame }) => callFrame.functionName === name).map(({ id }) => id));
    const seen = samples.filter((id) => ids.has(id)).length;
    t.is(counts.find((row) => row.name === name)?.self ?? 0, seen, name);
    if (name === 'burn') t.true(seen > 100, `${seen} samples of burn`);
  }
  const cpuRows = await rows('cpu');
  t.is(cpuRows[0]?.name, 'burn');
  t.like(cpuRows[0], { file: join(folder, 'app.js'), line: 4, kind: 'app' });
  const idle = (await rows('wall')).find(({ name }) => name === '(idle)')?.self ?? 0;
  t.is(totals(cpu.shown).cpu, `${wall - idle} nanoseconds`);
  const threads = await table(files, cpu.name, 'wall', 'thread name');
  t.deepEqual(
    threads.rows.map(({ name, total }) => [name, total]),
    [['Main Event Loop', wall]],
  );
  t.is(
    statusOf(
      await files.store?.timeline({ service: cpu.name, from: 0, to: 8e15, where: [] }, { limit: 1e6 }),
    ),
    'EFL1',
  );

  const heap = await show('.heapprofile');
  const bytes = bytesOf((heap.json as { head: HeapNode }).head);
  t.true(bytes > 1e6, `${bytes} bytes`);
  t.deepEqual(totals(heap.shown), { inuse_space: `${bytes} bytes` });
  const keep = (await table(files, heap.name, 'inuse_space')).rows.find(({ name }) => name === 'keep');
  t.true((keep?.total ?? 0) > bytes / 3, `${keep?.total} of ${bytes}`);
});

function statusOf(answer: Buffer | undefined): string | undefined {
  return answer?.toString('latin1', 0, 4);
}
