import { availableParallelism, hostname, release, type, version } from 'node:os';
import type { DeliveryConfiguration } from '../config/delivery-settings';
import { plainText } from '../config/plain-text';
import { resolveTags, settingTag } from '../config/tags';
import { packageVersion } from '../package-root';
import { resolveGitMetadata, withoutGitTags } from '../provenance/git-metadata';
import type { Program } from '../provenance/main-package';
import { processTags } from '../provenance/process-tags';
import type { Result } from '../provenance/result';
import { resolveServiceName } from '../provenance/service-name';
import { PARENT_VARIABLE } from './parent';
import type { Seed } from './seed';
import type { Identity } from './upload';

/** Tags that stand for settings of their own. */
const SETTING_TAGS = new Set(['service', 'env', 'version']);

/**
 * Finds out who a process is: its names, its tags, its source code. Reads files, and is for the delivery thread. `agentless` says
 * that there is no Agent that would name the host.
 */
export function identityOf(
  seed: Seed,
  configuration: DeliveryConfiguration,
  agentless: boolean,
): Result<Identity> {
  const program: Program = {
    workingDirectory: seed.workingDirectory,
    ...(seed.script === undefined ? {} : { entryPoint: seed.script }),
  };
  const { tags, warnings } = resolveTags(seed.options.tags, seed.environment);
  const tagged = (key: string): string | undefined => tags.find(([name]) => name === key)?.[1];
  const settingOrTag = (key: 'env' | 'version'): string | undefined => {
    const value = configuration[key];
    const source = seed.options[key] === undefined ? `DD_${key.toUpperCase()}` : `The option "${key}"`;
    return (value === undefined ? undefined : settingTag(source, key, value, warnings)) ?? tagged(key);
  };
  const service = resolveServiceName(configuration.service ?? tagged('service'), program);
  const git = resolveGitMetadata({ ...program, environment: seed.environment, tags });
  const parent = seed.environment[PARENT_VARIABLE];
  const optional = <Key extends keyof Identity>(key: Key, value: Identity[Key] | undefined) =>
    value === undefined ? {} : { [key]: value };
  const identity: Identity = {
    runtimeId: seed.runtimeId,
    service: service.value.name,
    ...optional('env', settingOrTag('env')),
    ...optional('version', settingOrTag('version')),
    tags: withoutGitTags(tags).filter(([key]) => !SETTING_TAGS.has(key)),
    ...optional('host', configuration.reportHostname || agentless ? hostname() : undefined),
    pid: seed.pid,
    ...optional('processType', parent === undefined ? undefined : 'worker'),
    ...optional('parentRuntimeId', parent),
    ...optional('functionName', configuration.functionName && plainText(configuration.functionName.trim())),
    ...optional('gitRepositoryUrl', git.value.repositoryUrl),
    ...optional('gitCommitSha', git.value.commitSha),
    ...optional('processTags', configuration.processTags ? processTags(program, service.value) : undefined),
    activation: seed.activation,
    profilerVersion: packageVersion(),
    runtime: {
      nodeVersion: seed.nodeVersion,
      arch: process.arch,
      platform: process.platform,
      kernelName: type(),
      kernelRelease: release(),
      kernelVersion: version(),
      availableProcessors: availableParallelism(),
      threadPoolSize: Number(process.env.UV_THREADPOOL_SIZE) || 4,
      startTime: seed.startTime,
    },
    settings: seed.settings,
  };
  return { value: identity, warnings: [...warnings, ...service.warnings, ...git.warnings] };
}
