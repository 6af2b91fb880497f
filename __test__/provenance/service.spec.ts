import { join } from 'node:path';
import test from 'ava';
import { processTags } from '#src/provenance/process-tags.js';
import { normalServiceName, resolveServiceName } from '#src/provenance/service-name.js';
import { temporaryFolder } from '../support/folder.js';
import { layOut } from './support/tree.js';

test('the service is what was given, else the package of the script, else the script, else a fixed name', (t) => {
  const folder = temporaryFolder(t);
  layOut(folder, {
    'shop/': { name: '@acme/shop' },
    'shop/dist/': { type: 'module' },
    'shop/node_modules/next/': { name: 'next' },
    'none/': { private: true },
  });
  const shop = join(folder, 'shop');
  const name = (workingDirectory: string, entryPoint?: string, given?: string) =>
    resolveServiceName(
      given,
      entryPoint === undefined ? { workingDirectory } : { workingDirectory, entryPoint },
    );
  const found = (name: string, isGiven = false) => ({ value: { name, isGiven }, warnings: [] });
  t.deepEqual(name(shop, 'dist/main.js', ' till '), found('till', true));
  // As the Agent calls it in traces: a name begins with a letter.
  t.deepEqual(name(folder, join(shop, 'dist/main.js')), found('acme/shop'));
  t.deepEqual(name(shop), found('acme/shop'));
  t.deepEqual(name(shop, join(shop, 'node_modules/next/dist/bin/next')), found('acme/shop'));
  t.deepEqual(name(folder, join(folder, 'none/cart.worker.mjs')), found('cart.worker'));
  t.deepEqual(name('/', '/server.js', ''), found('server'));
  t.deepEqual(name('/'), found('unnamed-node-service'));
  t.deepEqual(name('/', '/123.js'), found('unnamed-node-service'));
});

test('the script is the one that Node.js finds', (t) => {
  const folder = temporaryFolder(t);
  layOut(folder, {
    'shop/': { name: 'shop', main: 'dist/server.js' },
    'shop/dist/server.js': '',
    'shop/tools/cli.js': '',
    'bin/shop': { link: '../shop/tools/cli.js' },
    'lib/node_modules/pm2/': { name: 'pm2' },
    'lib/node_modules/pm2/bin/pm2': '',
    'bin/pm2': { link: '../lib/node_modules/pm2/bin/pm2' },
  });
  const shop = join(folder, 'shop');
  const tags = (workingDirectory: string, entryPoint: string): string[] =>
    processTags({ workingDirectory, entryPoint }, { name: 'x', isGiven: true })
      .split(',')
      .filter((tag) => /^(entrypoint.(basedir|name)|package)/.test(tag));
  const server = ['entrypoint.basedir:dist', 'entrypoint.name:server', 'package.json.name:shop'];
  t.deepEqual(tags('/', shop), server);
  t.deepEqual(tags(shop, '.'), server);
  t.deepEqual(tags(shop, 'dist/server'), server);
  t.deepEqual(tags('/', join(folder, 'bin/shop')), [
    'entrypoint.basedir:tools',
    'entrypoint.name:cli',
    'package.json.name:shop',
  ]);
  // What a process manager runs is in the working directory.
  t.deepEqual(tags(shop, join(folder, 'bin/pm2')), [
    'entrypoint.basedir:bin',
    'entrypoint.name:pm2',
    'package.json.name:shop',
  ]);
});

test('a name that receivers would change is changed before, and told once', (t) => {
  const program = { workingDirectory: '/' };
  const long = 'x'.repeat(300);
  t.deepEqual(resolveServiceName(long, program), {
    value: { name: 'x'.repeat(100), isGiven: true },
    warnings: [
      `The service is "${'x'.repeat(60)}…", but a service has at most 100 letters, digits and the signs _ - : . /, and begins with a letter; "${'x'.repeat(60)}…" is used instead. Name it with DD_SERVICE.`,
    ],
  });
  t.is(resolveServiceName('my shop, new', program).value.name, 'my_shop_new');
  const { value, warnings } = resolveServiceName('4711', { workingDirectory: '/', entryPoint: '/server.js' });
  t.deepEqual(value, { name: 'server', isGiven: false });
  t.regex(warnings[0] ?? '', /"4711".*it is left unset/);
});

test('service names hold no sign that a tag may not, and stay as they are the second time', (t) => {
  for (const name of [
    'a,b',
    'a:',
    ':a',
    '@a/b',
    'é.ü',
    'a\nb',
    '🔥fire',
    'a\ud800',
    '  ',
    '_',
    `${'ab_'.repeat(40)}`,
    'Shop',
  ]) {
    const normal = normalServiceName(name);
    t.notRegex(normal, /^[^\p{L}]|[:_]$|[,\s]|\p{C}/u, JSON.stringify(name));
    t.is(normalServiceName(normal), normal, JSON.stringify(name));
    t.true(normal.length <= 100);
  }
  t.is(normalServiceName('Shop'), 'Shop');
  t.is(normalServiceName('é.ü'), 'é.ü');
});

test('process tags say what was started, sorted and in the form that receivers expect', (t) => {
  const folder = temporaryFolder(t);
  layOut(folder, { 'My Shop/': { name: '@Acme/Shop' }, 'My Shop/dist/': { type: 'module' } });
  const shop = join(folder, 'My Shop');
  t.is(
    processTags(
      { workingDirectory: shop, entryPoint: join(shop, 'dist/Server.main.js') },
      { name: 'till', isGiven: true },
    ),
    'entrypoint.basedir:dist,entrypoint.name:server.main,entrypoint.type:script,entrypoint.workdir:my_shop,package.json.name:_acme/shop,svc.user:true',
  );
  t.is(
    processTags(
      { workingDirectory: shop, entryPoint: 'dist/a,b:c.js' },
      { name: 'acme/shop', isGiven: false },
    ),
    'entrypoint.basedir:dist,entrypoint.name:a_b_c,entrypoint.type:script,entrypoint.workdir:my_shop,package.json.name:_acme/shop,svc.auto:acme/shop',
  );
  t.is(
    processTags({ workingDirectory: '/' }, { name: 'x'.repeat(300), isGiven: false }),
    `entrypoint.type:script,svc.auto:${'x'.repeat(100)}`,
  );
});
