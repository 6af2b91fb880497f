import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import { CLI, type Ended, type SpawnOptions, start } from './spawn';

/** A collector in a process of its own. */
export interface View {
  url: string;
  /** The JSON of an answer. Throws where it is an error. */
  json<T>(path: string): Promise<T>;
  /** Ends it as Ctrl+C does. */
  end(): Promise<Ended>;
}

/** Runs `everflame view` or another command with a page until the test ends it; `command` is another installation's. */
export async function openView(
  t: ExecutionContext,
  args: string[],
  options: SpawnOptions = {},
  command = CLI,
): Promise<View> {
  const { child, ended } = start(process.execPath, [command, ...args], options);
  t.teardown(() => {
    child.kill('SIGKILL');
  });
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stderr?.on('data', (more: string) => {
      said += more;
      const found = /the page is at (\S+)/.exec(said);
      if (found) resolve(new URL(found[1] as string).origin);
    });
    void ended.then(({ stderr }) => reject(new Error(`it ended: ${stderr}`)), reject);
  });
  return {
    url,
    json: async <T>(path: string) => {
      // A connection of its own: one that is kept may be closed by the other side at the moment of the next question.
      const [response] = (await once(get(`${url}/api/v1${path}`, { agent: false }), 'response')) as [
        IncomingMessage,
      ];
      const body = await text(response);
      if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${body}`);
      return JSON.parse(body) as T;
    },
    end: () => {
      child.kill('SIGINT');
      return ended;
    },
  };
}
