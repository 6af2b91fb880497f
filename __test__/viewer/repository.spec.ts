import test from 'ava';
import { pathInRepository, repositoryLink } from '../../viewer/src/source/repository.js';

const SHA = '0123456789abcdef0123456789abcdef01234567';
const link = (repository: string, path = 'src/a.ts', line = 7, sha = SHA) =>
  repositoryLink({ repository, sha }, path, line);

test('each site has its own form of a line at a commit', (t) => {
  t.is(link('https://github.com/acme/shop.git'), `https://github.com/acme/shop/blob/${SHA}/src/a.ts#L7`);
  t.is(
    link('https://gitlab.com/acme/team/shop'),
    `https://gitlab.com/acme/team/shop/-/blob/${SHA}/src/a.ts#L7`,
  );
  t.is(
    link('https://bitbucket.org/acme/shop/'),
    `https://bitbucket.org/acme/shop/src/${SHA}/src/a.ts#lines-7`,
  );
  t.is(
    link('http://gitlab.acme.example/a/shop'),
    `http://gitlab.acme.example/a/shop/-/blob/${SHA}/src/a.ts#L7`,
  );
  t.is(link('https://github.com/acme/shop', 'a.ts', 0), `https://github.com/acme/shop/blob/${SHA}/a.ts`);
});

test('addresses that only git takes are those of the same site', (t) => {
  const wanted = `https://github.com/acme/shop/blob/${SHA}/src/a.ts#L7`;
  for (const address of [
    'git@github.com:acme/shop.git',
    'github.com:acme/shop.git',
    'ssh://git@github.com/acme/shop.git',
    'ssh://git@github.com:22/acme/shop.git',
    'git://github.com/acme/shop',
    'https://user:secret@github.com/acme/shop.git?x=1#y',
    ' https://github.com/acme/shop ',
  ])
    t.is(link(address), wanted, address);
});

test('names in a path are parts of it, whatever they hold', (t) => {
  t.is(
    link('https://github.com/a/b', 'x#y/?z "<b>/ü.ts', 1),
    `https://github.com/a/b/blob/${SHA}/x%23y/%3Fz%20%22%3Cb%3E/%C3%BC.ts#L1`,
  );
});

test('what is no repository of a site that is known has no link', (t) => {
  for (const address of [
    '',
    'javascript:alert(1)',
    'javascript://github.com/a/b',
    'data:text/html,x',
    'file:///srv/shop',
    '/srv/shop.git',
    'https://example.org/acme/shop',
    'https://evil.example/github.com/acme/shop',
    'https://notgithub.com/acme/shop',
    'https://github.com',
    'https://github.com/acme',
    'https://',
    'git@github.com:/acme',
  ])
    t.is(link(address), undefined, address);
  for (const sha of ['', 'main', '012345', `${SHA}/../../x`, 'g'.repeat(40), '0'.repeat(65)])
    t.is(link('https://github.com/acme/shop', 'a.ts', 1, sha), undefined, sha);
});

test('the root of a repository is where its packages lie, else where its files do', (t) => {
  const packages = [
    '/srv/shop/node_modules/pg/lib/client.js',
    '/srv/shop/node_modules/x/node_modules/y/i.js',
  ];
  t.is(pathInRepository('/srv/shop/src/cart.ts', packages), 'src/cart.ts');
  t.is(pathInRepository('file:///srv/shop/src/cart.ts', packages), 'src/cart.ts');
  t.is(
    pathInRepository('/srv/shop/src/cart.ts', ['/srv/shop/src/cart.ts', '/srv/shop/src/db/sql.ts']),
    'src/cart.ts',
  );
  t.is(
    pathInRepository('/srv/shop/src/cart.ts', ['/srv/shop/src/cart.ts', '/srv/shop/lib/sql.ts']),
    'src/cart.ts',
  );
  t.is(pathInRepository('src/cart.ts', []), 'src/cart.ts');
  t.is(pathInRepository('./src/cart.ts', []), 'src/cart.ts');
  t.is(pathInRepository('webpack://shop/./src/cart.ts', []), 'src/cart.ts');
});

test('what lies in another repository, or nowhere, has no path in this one', (t) => {
  for (const file of ['/srv/shop/node_modules/pg/index.js', 'node:fs', '', '../up.ts', '/one.ts'])
    t.is(
      pathInRepository(file, ['/srv/shop/node_modules/pg/index.js', '/one.ts', '/srv/two.ts']),
      undefined,
      file,
    );
});
