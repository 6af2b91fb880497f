/** The files of the page, and nothing else. */
import { mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../support/folder.js';
import { openCollector } from './support/collector.js';

const SCRIPT = '/assets/index-DfG7_x-1.js';

function givenPage(t: ExecutionContext): string {
  const outer = temporaryFolder(t, { 'secret.txt': 'secret' });
  const folder = join(outer, 'viewer');
  mkdirSync(join(folder, 'assets'), { recursive: true });
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Everflame</title>');
  writeFileSync(join(folder, SCRIPT), 'void 0;');
  writeFileSync(join(folder, 'favicon.svg'), '<svg/>');
  symlinkSync(join(outer, 'secret.txt'), join(folder, 'link.txt'));
  return folder;
}

test('each file has its type, and may be kept as long as its name says', async (t) => {
  const { ask } = await openCollector(t, { page: givenPage(t) });
  const immutable = 'public, max-age=31536000, immutable';
  for (const [path, type, caching] of [
    ['/', 'text/html; charset=utf-8', 'no-cache'],
    ['/index.html', 'text/html; charset=utf-8', 'no-cache'],
    ['/favicon.svg', 'image/svg+xml', 'no-cache'],
    [SCRIPT, 'text/javascript; charset=utf-8', immutable],
    [`${SCRIPT}?v=1`, 'text/javascript; charset=utf-8', immutable],
  ] as const) {
    const { status, headers } = await ask(path);
    t.is(status, 200, path);
    t.is(headers['content-type'], type);
    t.is(headers['cache-control'], caching);
    t.is(headers['x-content-type-options'], 'nosniff');
  }
});

test('the page may load what is its own, and nobody may frame it', async (t) => {
  const { ask } = await openCollector(t, { page: givenPage(t) });
  const { headers } = await ask('/');
  const policy = String(headers['content-security-policy']).split('; ');
  for (const rule of [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]) {
    t.true(policy.includes(rule), rule);
  }
  t.notRegex(policy.join(), /unsafe|http|\*/);
  t.is(headers['x-frame-options'], 'DENY');
});

test('a browser that has it is told so, until it is built anew', async (t) => {
  const folder = givenPage(t);
  const { ask } = await openCollector(t, { page: folder });
  const { headers } = await ask('/');
  const known = { 'If-None-Match': `"other", ${headers.etag}` };
  const again = await ask('/', { headers: known });
  t.is(again.status, 304);
  t.is(again.body.length, 0);
  // A browser takes these for the file that it has: a stricter policy would leave a page blank that is loaded again.
  for (const name of Object.keys(headers).filter((name) => !/^(date|content-(type|length))$/.test(name)))
    t.is(again.headers[name], headers[name], name);
  writeFileSync(join(folder, 'index.html'), 'another');
  rmSync(join(folder, SCRIPT));
  writeFileSync(join(folder, 'assets', 'index-AAAAAAAA.js'), 'void 1;');
  // Its time may have the grain of a slow clock.
  utimesSync(join(folder, 'index.html'), 1, 1);
  t.is((await ask('/', { headers: known })).text, 'another');
  t.is((await ask('/assets/index-AAAAAAAA.js')).status, 200);
  t.is((await ask(SCRIPT)).status, 404);
});

test('no path leads out of its folder', async (t) => {
  const { ask } = await openCollector(t, { page: givenPage(t) });
  for (const path of [
    '/../secret.txt',
    '/assets/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/..\\secret.txt',
    '//etc/passwd',
    '/assets',
    '/assets/',
    '/link.txt',
    '/__proto__',
    '/constructor',
    '/index.html/',
    '/index.html%00.js',
  ]) {
    const { status, text } = await ask(path);
    t.is(status, 404, path);
    t.notRegex(text, /secret|root:/);
  }
});

test('a page that was not built says how that is done', async (t) => {
  const folder = temporaryFolder(t);
  const { ask } = await openCollector(t, { page: folder });
  const { status, text, headers } = await ask('/');
  t.is(status, 404);
  t.is(headers['content-type'], 'text/plain; charset=utf-8');
  t.is(
    text,
    `The page is not built: there is no ${join(folder, 'index.html')}. In a checkout of Everflame run: npm run build\n`,
  );
});
