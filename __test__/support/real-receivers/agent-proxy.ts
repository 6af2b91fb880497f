import type { ExecutionContext } from 'ava';
import { temporaryFolder } from '../folder.js';
import { type Intake, startIntake } from './intake.js';
import { startListed } from './program.js';

/** The Datadog Agent's own receiver of profiles, with an intake behind it that keeps what is handed on. */
export interface AgentProxy {
  /** Without a path, as in `DD_TRACE_AGENT_URL`. */
  url: string;
  socketPath: string;
  intake: Intake;
}

/** The key that the Agent adds. */
export const AGENT_KEY = '00000000000000000000000000000000';

/** Started for one test, and ended with it. An upload may take five seconds unless something else is said. */
export async function startAgentProxy(t: ExecutionContext, timeoutSeconds = 0): Promise<AgentProxy> {
  const socketPath = `${temporaryFolder(t)}/apm.socket`;
  const intake = await startIntake();
  t.teardown(() => intake.close());
  const args = ['--intake', intake.url, '--key', AGENT_KEY, '--socket', socketPath];
  args.push('--timeout', `${timeoutSeconds}`);
  const { url, close } = await startListed('agent-proxy', args);
  t.teardown(close);
  return { url, socketPath, intake };
}
