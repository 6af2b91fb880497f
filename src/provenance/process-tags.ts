import { basename, dirname, extname } from 'node:path';
import { nearestManifest, ownFolder, type Program, scriptOf } from './main-package';
import type { ServiceName } from './service-name';

/** As the reference has it. */
const LONGEST_VALUE = 100;

/**
 * `process_tags` of an event: what a process is, as `key:value,…`, sorted by key. Receivers tell processes of one service apart
 * by it.
 */
export function processTags(program: Program, service: ServiceName): string {
  const script = scriptOf(program);
  const tags: [key: string, value: string | undefined][] = [
    ['entrypoint.basedir', script && basename(dirname(script))],
    ['entrypoint.name', script && basename(script, extname(script))],
    ['entrypoint.type', 'script'],
    ['entrypoint.workdir', basename(program.workingDirectory)],
    ['package.json.name', nearestManifest(ownFolder(program))?.name],
    service.isGiven ? ['svc.user', 'true'] : ['svc.auto', service.name],
  ];
  return tags
    .flatMap(([key, value]) => {
      const normal = normalValue(value ?? '');
      return normal === '' ? [] : [`${key}:${normal}`];
    })
    .sort()
    .join(',');
}

function normalValue(value: string): string {
  return value
    .toLowerCase()
    .replace(/[^a-z0-9/_.-]+/g, '_')
    .slice(0, LONGEST_VALUE);
}
