/** The last line of `everflame run` where profiles are sent: what has become of them, and why where nothing else says so. */
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../support/folder.js';
import { type DatadogReceiver, startDatadogReceiver } from '../support/receivers/datadog.js';
import { everflame } from '../support/spawn.js';

const PROGRAM = 'const end = Date.now() + 100; while (Date.now() < end) Math.sqrt(end);';

async function givenAgent(t: ExecutionContext): Promise<DatadogReceiver> {
  const receiver = await startDatadogReceiver();
  t.teardown(receiver.close);
  return receiver;
}

/** What the command says of a short program beside an Agent. */
async function saidBeside(t: ExecutionContext, url: string, exitTimeout: number): Promise<string> {
  const { code, stderr } = await everflame(['run', '--', process.execPath, '-e', PROGRAM], {
    env: {
      EVERFLAME_ENGINE: 'inspector',
      DD_TRACE_AGENT_URL: url,
      EVERFLAME_SPOOL_DIR: temporaryFolder(t),
      EVERFLAME_EXIT_TIMEOUT: `${exitTimeout}`,
    },
  });
  t.is(code, 0, stderr);
  return stderr;
}

test('an Agent that takes profiles needs no reason', async (t) => {
  const { url, received } = await givenAgent(t);
  t.is(
    await saidBeside(t, url, 30),
    `everflame: 1 profile of 1 process sent to the Datadog Agent at ${url}.\n`,
  );
  t.is(received.length, 1);
});

test('an Agent that hangs is told of as one', async (t) => {
  const { url, faults } = await givenAgent(t);
  faults.always({ kind: 'hang' });
  const agent = `the Datadog Agent at ${url}`;
  t.is(
    await saidBeside(t, url, 3),
    `everflame: 0 profiles of 1 process sent to ${agent}; 1 in the spool, for the next process that sends there; ${agent} had not answered by the end.\n`,
  );
});

test('of one that has failed the line before says why', async (t) => {
  const { url, faults } = await givenAgent(t);
  faults.always({ kind: 'status', status: 503 });
  const [trouble, summary, rest] = (await saidBeside(t, url, 30)).split('\n');
  t.regex(trouble ?? '', /^everflame: warn: profiles cannot be sent to .*: 503\./);
  t.regex(summary ?? '', /1 in the spool, for the next process that sends there\.$/);
  t.is(rest, '');
});
