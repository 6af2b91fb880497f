import type { ExecutionContext } from 'ava';
import { temporaryFolder } from '../folder.js';
import { freePorts } from '../ports.js';
import type { Received } from './http.js';
import { installed, startProgram } from './program.js';

/** Datadog's test agent: what its own libraries are tested against. It takes everything and checks nothing. */
export interface TestAgent {
  /** Without a path, as in `DD_TRACE_AGENT_URL`. */
  url: string;
  socketPath: string;
  /** The uploads until now, over TCP and the socket, in their order. */
  received(): Promise<Received[]>;
}

/** A request as the test agent tells of it. */
interface Kept {
  method: string;
  url: string;
  headers: Record<string, string>;
  /** Base64. */
  body: string;
}

/** Started for one test, and ended with it. */
export async function startTestAgent(t: ExecutionContext): Promise<TestAgent> {
  const folder = temporaryFolder(t);
  const socketPath = `${folder}/apm.socket`;
  const [port, http, grpc] = await freePorts(3);
  const args = ['--port', `${port}`, '--trace-uds-socket', socketPath];
  // It listens for OTLP too, at ports that another program may have.
  args.push('--otlp-http-port', `${http}`, '--otlp-grpc-port', `${grpc}`, '--snapshot-dir', folder);
  // Nothing of a test is to leave the machine.
  args.push('--disable-llmobs-data-forwarding');
  const python = installed('test-agent', 'bin', 'python3');
  const ready = '(Press CTRL+C to quit)';
  const { close } = await startProgram(python, ['-m', 'ddapm_test_agent.agent', ...args], ready, {
    PYTHONUNBUFFERED: '1',
  });
  t.teardown(close);
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    socketPath,
    async received() {
      const answer = await fetch(`${url}/test/session/requests`);
      const requests = (await answer.json()) as Kept[];
      return requests.map(({ method, url, headers, body }) => ({
        method,
        path: new URL(url).pathname,
        headers: Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
        ),
        body: Buffer.from(body, 'base64'),
      }));
    },
  };
}
