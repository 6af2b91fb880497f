import { statSync } from 'node:fs';
import { join } from 'node:path';
import { shown } from '../config/plain-text';
import type { Result } from './result';
import { readSmallText } from './small-file';

/** What tells the Agent which container a process runs in. */
export interface Container {
  /** For `Datadog-Container-Id`. */
  containerId?: string;
  /** For `Datadog-Entity-ID`: `ci-<container id>`, or `in-<inode of the cgroup>`. */
  entityId?: string;
  /** For `Datadog-External-Env`: what the Agent's admission controller says of the pod. */
  externalEnvironment?: string;
}

/** Of the namespace that a machine begins with (PROC_CGROUP_INIT_INO of the kernel's proc_ns.h). */
const HOST_NAMESPACE = 0xeffffffb;
const MOST_BYTES = 64 * 1024;
const CONTROL = /\p{Cc}/u;

const UUID = '[0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}';
const GARDEN = '[0-9a-f]{8}(?:-[0-9a-f]{4}){4}';
const FARGATE_TASK = '[0-9a-f]{32}-\\d+';
const CONTAINER = new RegExp(`(?<![0-9a-f])(${UUID}|[0-9a-f]{64}|${FARGATE_TASK}|${GARDEN})(?:\\.scope)?$`);

/** Reads which container this process is in. `proc` and `cgroups` are for tests. */
export function readContainer(
  environment: NodeJS.ProcessEnv,
  proc = '/proc/self',
  cgroups = '/sys/fs/cgroup',
): Result<Container> {
  const { value: external, warnings } = externalEnvironment(environment.DD_EXTERNAL_ENV);
  const text = readSmallText(join(proc, 'cgroup'), MOST_BYTES) ?? '';
  const containerId = parseContainerId(text);
  const entityId = containerId ? `ci-${containerId}` : inodeEntity(text, proc, cgroups);
  return {
    value: {
      ...(containerId === undefined ? {} : { containerId }),
      ...(entityId === undefined ? {} : { entityId }),
      ...(external === undefined ? {} : { externalEnvironment: external }),
    },
    warnings,
  };
}

/** The container's id in the text of `/proc/self/cgroup`: the end of the first line that has one. */
export function parseContainerId(text: string): string | undefined {
  for (const line of text.split('\n')) {
    const id = CONTAINER.exec(line.trimEnd())?.[1];
    if (id !== undefined) return id;
  }
  return undefined;
}

/** Folders of this process's own cgroup below `/sys/fs/cgroup`, the best first: `memory` of version 1, then version 2. */
export function parseCgroupFolders(text: string): string[] {
  const folders: string[] = [];
  for (const line of text.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line.trimEnd()) ?? [];
    // Above the root that this process sees is nothing that it could look at.
    if (controllers === undefined || path === undefined || path.split('/').includes('..')) continue;
    if (controllers.split(',').includes('memory')) folders.unshift(join('memory', path));
    else if (controllers === '') folders.push(path);
  }
  return folders;
}

/** On the host itself the cgroup is no container's. */
function inodeEntity(text: string, proc: string, cgroups: string): string | undefined {
  if (inodeOf(join(proc, 'ns', 'cgroup')) === HOST_NAMESPACE) return undefined;
  for (const folder of parseCgroupFolders(text)) {
    const inode = inodeOf(join(cgroups, folder));
    if (inode) return `in-${inode}`;
  }
  return undefined;
}

function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino;
  } catch {
    return undefined;
  }
}

/** A header with a control character in it would stop the request. */
function externalEnvironment(given: string | undefined): Result<string | undefined> {
  const text = given?.trim();
  if (!text) return { value: undefined, warnings: [] };
  if (!CONTROL.test(text) && isLatin1(text)) return { value: text, warnings: [] };
  const warning = `DD_EXTERNAL_ENV is ${shown(text)}, which cannot be sent as a header; it is ignored. Leave it as the Agent's admission controller sets it.`;
  return { value: undefined, warnings: [warning] };
}

function isLatin1(text: string): boolean {
  return Buffer.from(text, 'latin1').toString('latin1') === text;
}
