import { join } from 'node:path';
import test from 'ava';
import { startedByPm2 } from '#src/provenance/pm2.js';
import { layOut } from '../provenance/support/tree.js';
import { BURN } from '../support/burn.js';
import { temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { AUTO, run } from '../support/spawn.js';
import { startAgent } from './support/agent.js';

const PARENT = '0d1c9a7e-5a3c-4c56-8f0e-2f6f0c1d2b3a';

for (const { major, path } of testNodes()) {
  for (const [mode, container] of [
    ['cluster', 'ProcessContainer.js'],
    ['fork', 'ProcessContainerFork.js'],
  ] as const) {
    test(`Node.js ${major}: what PM2 runs in ${mode} mode is named after its own package`, async (t) => {
      const agent = await startAgent(t);
      const folder = temporaryFolder(t);
      layOut(folder, {
        'pm2/node_modules/pm2/': { name: 'pm2' },
        [`pm2/node_modules/pm2/lib/${container}`]: `const told = process.env.pm2_env ? JSON.parse(process.env.pm2_env) : process.env;
          process.chdir(told.pm_cwd);
          require('node:module')._load(told.pm_exec_path, null, true);`,
        'shop/': { name: 'shop-api' },
        'shop/dist/app.js': `${BURN} burn(50);`,
      });
      const told = { pm_exec_path: join(folder, 'shop/dist/app.js'), pm_cwd: join(folder, 'shop') };
      const { DD_SERVICE: _, ...env } = agent.env;
      const script = join(folder, 'pm2/node_modules/pm2/lib', container);
      const ended = await run(path, ['--require', AUTO, script], {
        // In cluster mode it is where the daemon is.
        cwd: mode === 'cluster' ? folder : told.pm_cwd,
        env: {
          ...env,
          EVERFLAME_EXIT_TIMEOUT: '20',
          EVERFLAME_PARENT_RUNTIME_ID: PARENT,
          ...(mode === 'cluster' ? { pm2_env: JSON.stringify(told) } : told),
        },
      });
      t.deepEqual([ended.code, ended.stderr], [0, '']);
      const { received, violations } = agent.receiver;
      t.deepEqual(violations, []);
      t.is(received.length, 1);
      t.is(received[0]?.tags.get('service'), 'shop-api');
      t.regex(String(received[0]?.event.process_tags), /entrypoint\.name:app,.*package\.json\.name:shop-api/);
      // In fork mode it is that of the command that was typed.
      t.is(received[0]?.tags.get('parent_runtime_id'), mode === 'cluster' ? PARENT : undefined);
    });
  }
}

test("only PM2's own scripts have another program, and only one that can be found", (t) => {
  const container = '/lib/node_modules/pm2/lib/ProcessContainer.js';
  const app = { pm_exec_path: '/shop/app.js', pm_cwd: '/shop' };
  const found = { script: '/shop/app.js', workingDirectory: '/shop' };
  t.deepEqual(startedByPm2(container, { pm2_env: JSON.stringify(app) }, '/'), found);
  t.deepEqual(startedByPm2(container.replace('.js', 'Fork.js'), app, '/'), found);
  t.deepEqual(startedByPm2(container, { pm_exec_path: '/shop/app.js' }, '/home'), {
    ...found,
    workingDirectory: '/home',
  });
  for (const script of ['/lib/node_modules/pm2/lib/Daemon.js', '/shop/child.js', undefined]) {
    t.is(startedByPm2(script, app, '/'), undefined);
  }
  for (const text of ['', '{', 'null', '[]', '7', '{"pm_exec_path":7}', '{"pm_exec_path":"app.js"}']) {
    t.is(startedByPm2(container, { pm2_env: text }, '/'), undefined, text);
  }
});
