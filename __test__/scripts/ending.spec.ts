import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../support/folder.js';
import { ROOT, start } from '../support/spawn.js';

const COMMANDS = JSON.stringify(pathToFileURL(join(ROOT, 'scripts', 'setup', 'commands.mjs')).href);

/** How long the program may live on: a loaded machine needs seconds for what takes none. */
const GONE_MILLISECONDS = 25_000;

/** Runs until the test hangs up, and cannot be asked to end: a compiler, say. */
const PROGRAM = `
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.on(signal, () => {});
  require('node:net').connect(process.argv[1]).resume().on('end', () => process.exit());`;

/** A script that runs a program, below one that runs it as a step of the tests is run. */
async function startScripts(t: ExecutionContext, options: object = {}, shell?: string) {
  const folder = temporaryFolder(t, {
    'inner.mjs': `
      import { main, run } from ${COMMANDS};
      await main(() => run(process.execPath, ['-e', ${JSON.stringify(PROGRAM)}, process.argv[2]]));`,
    'outer.mjs': `
      import { main, runScript } from ${COMMANDS};
      await main(async () => {
        const [inner, socket] = process.argv.slice(2);
        const { output } = await runScript(inner, [socket], ${JSON.stringify(options)});
        console.log(output);
      });`,
  });
  const socket = join(folder, 'socket');
  const server = createServer().listen(socket);
  t.teardown(() => server.close());
  const [outer, inner] = ['outer.mjs', 'inner.mjs'].map((name) => join(folder, name)) as [string, string];
  // A shell becomes the last program that it runs, unless something is to come after it.
  const words = [process.execPath, outer, inner, socket];
  const { child, ended } = shell
    ? start(shell, ['-c', '"$@"; exit $?', shell, ...words], { env: { npm_lifecycle_event: 'test' } })
    : start(process.execPath, words.slice(1), { env: { npm_lifecycle_event: undefined } });
  const early = ended.then(({ stdout, stderr }) => {
    throw new Error(`the program was not started.\n${stdout}${stderr}`);
  });
  const [program] = (await Promise.race([once(server, 'connection'), early])) as [Socket];
  // Ends a program that the scripts have left, too.
  t.teardown(() => program.destroy());
  const gone = (): Promise<unknown> =>
    once(program.resume(), 'close', { signal: AbortSignal.timeout(GONE_MILLISECONDS) });
  return { child, ended, gone };
}

for (const [signal, code] of [
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test.serial(`${signal} ends what a script below another one has started`, async (t) => {
    const { child, ended, gone } = await startScripts(t);
    child.kill(signal);
    child.kill(signal);
    await gone();
    const end = await ended;
    t.deepEqual([end.code, end.stdout, end.stderr], [code, '', '']);
  });
}

test.serial('so does the end of the shell that npm runs the script in', async (t) => {
  const { child, ended, gone } = await startScripts(t, {}, 'sh');
  child.kill('SIGKILL');
  await gone();
  const end = await ended;
  t.deepEqual([end.signal, end.stdout, end.stderr], ['SIGKILL', '', '']);
});

test.serial('so does the limit of a script, which is told', async (t) => {
  const { ended, gone } = await startScripts(t, { timeoutSeconds: 10 });
  await gone();
  const end = await ended;
  t.is(end.code, 0, end.stderr);
  t.regex(end.stdout, /inner\.mjs \S+ was stopped after its limit of 10 s\./);
});
