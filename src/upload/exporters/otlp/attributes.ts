import type { Label, LabelSet } from '../../pprof/model';
import { isOfSpan } from '../../pprof/span';
import type { Identity } from '../../upload';

/** A text, or a whole number. */
export type AttributeValue = string | bigint;
export type Attribute = readonly [key: string, value: AttributeValue];

/** What a process is, in OpenTelemetry's names (semantic conventions, "Resource"); each key once, ours before the user's. */
export function resourceAttributes(identity: Identity): Attribute[] {
  const { runtime } = identity;
  const attributes = new Map<string, AttributeValue>();
  const put = (key: string, value: AttributeValue | undefined): void => {
    if (value !== undefined && value !== '' && key !== '' && !attributes.has(key)) attributes.set(key, value);
  };
  put('service.name', identity.service);
  put('service.version', identity.version);
  put('service.instance.id', identity.runtimeId);
  put('deployment.environment.name', identity.env);
  put('process.pid', BigInt(identity.pid));
  put('process.runtime.name', 'nodejs');
  put('process.runtime.version', runtime.nodeVersion.replace(/^v/, ''));
  put('host.name', identity.host);
  put('faas.name', identity.functionName);
  put('vcs.ref.head.revision', identity.gitCommitSha);
  put('vcs.repository.url.full', identity.gitRepositoryUrl);
  // Halves of a character become the same sign in UTF-8, and with that two keys one.
  for (const [key, value] of identity.tags) put(Buffer.from(key).toString(), value);
  return [...attributes];
}

/** Told by the thread's name, or without a meaning for a receiver of spans and their ids. */
const DROPPED = new Set(['thread id', 'async id', 'local root span id']);
const THREAD_ID = 'os thread id';

/**
 * The labels of a sample as attributes, by OpenTelemetry's names and each key once; the span stays as it is, as it becomes a
 * link. A thread's id is a number: thread `NA` has none.
 */
export function sampleAttributes(set: LabelSet): Label[] {
  const attributes = new Map<string, Label>();
  for (const label of set) {
    const attribute = toAttribute(label);
    if (attribute && !attributes.has(attribute.key)) attributes.set(attribute.key, attribute);
  }
  return [...attributes.values()];
}

function toAttribute(label: Label): Label | undefined {
  if (label.key === '' || DROPPED.has(label.key)) return undefined;
  if (isOfSpan(label)) return label;
  if (label.key === THREAD_ID && 'text' in label) {
    return /^\d{1,18}$/.test(label.text) ? { key: 'thread.id', number: BigInt(label.text) } : undefined;
  }
  return { ...label, key: label.key.replaceAll(' ', '.') };
}
