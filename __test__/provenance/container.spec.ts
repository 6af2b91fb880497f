import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parseCgroupFolders, parseContainerId, readContainer } from '#src/provenance/container.js';
import { temporaryFolder } from '../support/folder.js';

const ID = '0123456789abcdef'.repeat(4);
const UUID = '34dc0b5e-626f-2c5c-4c51-70e34b10e765';
const TASK = `${'0123456789abcdef'.repeat(2)}-1234567890`;

test('the container id is the end of a line in /proc/self/cgroup', (t) => {
  const expected: Record<string, string | undefined> = {
    [`13:name=systemd:/docker/${ID}`]: ID,
    [`0::/system.slice/docker-${ID}.scope`]: ID,
    [`1:name=systemd:/kubepods.slice/kubepods-burstable-pod${UUID.replaceAll('-', '_')}.slice/cri-containerd-${ID}.scope`]:
      ID,
    [`11:devices:/kubepods/besteffort/pod${UUID}/${ID}`]: ID,
    [`5:freezer:/ecs/${TASK.split('-')[0]}/${TASK}`]: TASK,
    [`9:perf_event:/garden/${UUID}`]: UUID,
    '9:memory:/system.slice/garden.service/garden/6f265890-5165-7fab-6b52-18d1':
      '6f265890-5165-7fab-6b52-18d1',
    [`0::/a\n1:cpu:/docker/${ID}\n2:memory:/docker/${'f'.repeat(64)}\n`]: ID,
    [`0::/docker/${ID}\r\n`]: ID,
    '0::/': undefined,
    '': undefined,
    '0::/user.slice/user-1000.slice/session-2.scope': undefined,
    [`0::/docker/${ID}a`]: undefined,
    [`0::/docker/${ID}/more`]: undefined,
    [`0::/docker/${ID.toUpperCase()}`]: undefined,
    [`0::/docker/${ID}.scope.scope`]: undefined,
    [`0::/kubepods/pod${UUID}.slice`]: undefined,
  };
  for (const [text, id] of Object.entries(expected)) t.is(parseContainerId(text), id, text);
});

test("the process's own cgroup is the one of memory, or that of version 2", (t) => {
  t.deepEqual(parseCgroupFolders('0::/a/b\n'), ['/a/b']);
  t.deepEqual(parseCgroupFolders('12:cpu,cpuacct:/x\n5:blkio,memory:/m\n0::/u\n'), ['memory/m', '/u']);
  t.deepEqual(parseCgroupFolders('0::/a:b'), ['/a:b']);
  t.deepEqual(parseCgroupFolders('0::/../../x\n1:cpu:/x\ngarbage\n::\n'), []);
});

/** Folders like /proc/self and /sys/fs/cgroup. */
function machine(t: ExecutionContext, cgroup: string, folders: string[]): { proc: string; cgroups: string } {
  const folder = temporaryFolder(t);
  const [proc, cgroups] = [join(folder, 'proc'), join(folder, 'cgroup')];
  mkdirSync(join(proc, 'ns'), { recursive: true });
  writeFileSync(join(proc, 'cgroup'), cgroup);
  for (const path of ['', ...folders]) mkdirSync(join(cgroups, path), { recursive: true });
  return { proc, cgroups };
}

test('the entity is the container, else the inode of its cgroup', (t) => {
  const named = machine(t, `0::/docker/${ID}`, []);
  t.deepEqual(readContainer({}, named.proc, named.cgroups), {
    value: { containerId: ID, entityId: `ci-${ID}` },
    warnings: [],
  });
  const root = machine(t, '0::/', []);
  t.deepEqual(readContainer({}, root.proc, root.cgroups).value, {
    entityId: `in-${statSync(root.cgroups).ino}`,
  });
  const old = machine(t, '0::/u\n4:memory:/m', ['u', 'memory/m']);
  const inode = statSync(join(old.cgroups, 'memory/m')).ino;
  t.deepEqual(readContainer({}, old.proc, old.cgroups).value, { entityId: `in-${inode}` });
  const gone = machine(t, '0::/gone', []);
  t.deepEqual(readContainer({}, gone.proc, gone.cgroups).value, {});
  t.deepEqual(readContainer({}, '/nowhere', '/nowhere'), { value: {}, warnings: [] });
});

test('in the namespace that the machine began with there is no entity', (t) => {
  // The real files: outside of a container their inode is fixed by the kernel.
  const isHost = statSync('/proc/self/ns/cgroup').ino === 0xeffffffb;
  const { proc, cgroups } = machine(t, '0::/', []);
  symlinkSync('/proc/self/ns/cgroup', join(proc, 'ns/cgroup'));
  const { value } = readContainer({}, proc, cgroups);
  t.deepEqual(value, isHost ? {} : { entityId: `in-${statSync(cgroups).ino}` });
});

test('DD_EXTERNAL_ENV is handed on where it can be a header', (t) => {
  const { value } = readContainer({ DD_EXTERNAL_ENV: ' it-false,cn-web,pu-75a2 ' }, '/nowhere', '/nowhere');
  t.deepEqual(value, { externalEnvironment: 'it-false,cn-web,pu-75a2' });
  for (const bad of ['a\r\nX-Evil: 1', 'a\u0000', 'snow☃']) {
    const { value, warnings } = readContainer({ DD_EXTERNAL_ENV: bad }, '/nowhere', '/nowhere');
    t.deepEqual(value, {}, bad);
    t.is(warnings.length, 1);
    t.regex(warnings[0] ?? '', /^DD_EXTERNAL_ENV is .* cannot be sent as a header; it is ignored\. Leave it/);
  }
  t.deepEqual(readContainer({ DD_EXTERNAL_ENV: '' }, '/nowhere', '/nowhere').value, {});
});

test('this process can be asked', (t) => {
  t.deepEqual(readContainer({}).warnings, []);
});
