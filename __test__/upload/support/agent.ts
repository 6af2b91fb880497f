import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { temporaryFolder } from '../../support/folder.js';
import {
  type DatadogReceiver,
  type DatadogUpload,
  startDatadogReceiver,
} from '../../support/receivers/datadog.js';

/** What a process finds where its Agent is to be: one that answers, one that takes a request and never answers, nobody. */
export type AgentState = 'up' | 'hanging' | 'none';

/** An Agent, and a spool of its own for the processes that send to it. */
export interface TestAgent {
  receiver: DatadogReceiver;
  spool: string;
  /** Settings by which a process sends to it. */
  env: Record<string, string>;
  /** From now on it answers. */
  recover(): Promise<void>;
}

/** Starts an Agent in a state; it is closed when the test ends. */
export async function startAgent(t: ExecutionContext, state: AgentState = 'up'): Promise<TestAgent> {
  const receiver = await startDatadogReceiver();
  t.teardown(() => receiver.close());
  const spool = temporaryFolder(t);
  if (state === 'hanging') receiver.faults.always({ kind: 'hang' });
  if (state === 'none') await receiver.faults.refuse();
  // One that answers gets the last profile, however busy the machine is.
  const patience = state === 'up' ? { EVERFLAME_EXIT_TIMEOUT: '20' } : {};
  return {
    receiver,
    spool,
    env: {
      DD_TRACE_AGENT_URL: receiver.url,
      EVERFLAME_SPOOL_DIR: spool,
      DD_SERVICE: 'test-service',
      ...patience,
    },
    async recover() {
      receiver.faults.always(undefined);
      if (state === 'none') await receiver.faults.accept();
    },
  };
}

/** The profiles that wait in a spool, at their paths. */
export function spooled(spool: string): string[] {
  return readdirSync(spool, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.wall.pprof'))
    .map((name) => join(spool, name));
}

/** CPU time in an upload, in milliseconds. */
export function cpuOf({ profiles }: DatadogUpload): number {
  const found = profiles.get('wall.pprof')?.totals.get('cpu');
  if (found === undefined) throw new Error('the upload has no CPU time');
  return Number(found) / 1e6;
}
