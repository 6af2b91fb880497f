import type { Identity, Tag, Upload } from './upload';

/**
 * `event.json` of an upload to Datadog, version 4: what the profiles are of. `family` and the shape are the receiver's, not
 * ours.
 */
export function eventOf(upload: Upload): Record<string, unknown> {
  const { identity, attachments, endpointCounts, customAttributes = [] } = upload;
  return {
    version: '4',
    family: 'node',
    start: rfc3339(upload.start),
    end: rfc3339(upload.end),
    attachments: attachments.map(({ name }) => name),
    tags_profiler: profilerTags(upload)
      .map(([key, value]) => `${key}:${value}`)
      .join(','),
    endpoint_counts: endpointCounts ?? null,
    ...(customAttributes.length > 0 ? { custom_attributes: customAttributes } : {}),
    process_tags: identity.processTags ?? null,
    internal: upload.internal,
    info: infoOf(upload),
  };
}

/** Nanoseconds since the epoch with all their digits. */
function rfc3339(nanoseconds: bigint): string {
  const seconds = new Date(Number(nanoseconds / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}Z`;
}

/** Tags of an upload, each key once. */
function profilerTags({ identity, reason, sequence }: Upload): Tag[] {
  const last: Tag[] = [
    ['snapshot', reason],
    ['profile_seq', String(sequence)],
  ];
  const isLast = new Set(last.map(([key]) => key));
  const all = [...identityTags(identity).filter(([key]) => !isLast.has(key)), ...last];
  return all.map(([key, value]) => [key, value.replace(/,/g, '_')]);
}

/** Tags of a process, each key once: what is fixed wins over the user's own. */
export function identityTags(identity: Identity): Tag[] {
  const { runtime } = identity;
  const optional = (key: string, value: string | undefined): Tag[] => (value ? [[key, value]] : []);
  const fixed: Tag[] = [
    ['language', 'javascript'],
    ['runtime', 'nodejs'],
    ['runtime_arch', runtime.arch],
    ['runtime_os', runtime.platform],
    ['runtime_version', runtime.nodeVersion],
    ['process_id', String(identity.pid)],
    ['profiler_version', identity.profilerVersion],
    ['format', 'pprof'],
    ['service', identity.service],
    ...optional('env', identity.env),
    ...optional('version', identity.version),
    ['runtime-id', identity.runtimeId],
    ...optional('host', identity.host),
    ...optional('functionname', identity.functionName),
    ...optional('git.repository_url', identity.gitRepositoryUrl),
    ...optional('git.commit.sha', identity.gitCommitSha),
    ...optional('process_type', identity.processType),
    ...optional('parent_runtime_id', identity.parentRuntimeId),
  ];
  const taken = new Set(fixed.map(([key]) => key));
  return [...fixed, ...identity.tags.filter(([key]) => !taken.has(key))];
}

function infoOf({ identity, internal }: Upload): Record<string, unknown> {
  const { runtime, env, version, host } = identity;
  return {
    application: {
      ...(env ? { env } : {}),
      service: identity.service,
      start_time: runtime.startTime,
      ...(version ? { version } : {}),
    },
    platform: {
      ...(host ? { hostname: host } : {}),
      kernel_name: runtime.kernelName,
      kernel_release: runtime.kernelRelease,
      kernel_version: runtime.kernelVersion,
    },
    profiler: {
      activation: identity.activation,
      ssi: { mechanism: 'none' },
      version: identity.profilerVersion,
      serverless: identity.functionName !== undefined,
      settings: identity.settings,
      // As dd-trace: whether a script that was sampled names a map that is not there.
      hasMissingSourceMaps: (internal.source_maps_missing ?? 0) > 0,
    },
    runtime: {
      available_processors: runtime.availableProcessors,
      engine: 'nodejs',
      libuv_threadpool_size: runtime.threadPoolSize,
      version: runtime.nodeVersion.replace(/^v/, ''),
    },
  };
}
