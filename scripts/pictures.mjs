import { cp, mkdtemp, readdir, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { arrived, ask } from './demo/ask.mjs';
import { Bookshop, RATE, SERVICE } from './demo/bookshop.mjs';
import { findBrowser, prepare } from './demo/prepare.mjs';
import { PROBLEM } from './demo/verdict.mjs';
import { Camera } from './pictures/shots.mjs';
import { fromRoot } from './setup/build.mjs';
import { Advice, EXAMPLE, guard, main, mustRun, ROOT } from './setup/commands.mjs';
import { step } from './setup/progress.mjs';

const IMAGES = join(ROOT, 'docs', 'images');
/** What a picture may have: the documents are to open at once. */
const MOST_BYTES = 150 * 1024;
const VERSIONS = { before: '1.0.0', after: '1.0.1' };

const HELP = `Usage: node scripts/pictures.mjs [--seconds=N]

Makes the pictures of docs/getting-started.md again, in docs/images: runs the example under load, mends it, runs it once more, and
takes pictures of the page. Prints the figures that the document has.

  --seconds   how long each of the two runs is, 60
  --help      show this text`;

/** A copy of the example that can be mended: whoever runs this may have changes in theirs. */
async function copyExample(folder) {
  const copy = join(folder, 'getting-started');
  const left = new Set(['node_modules', '.everflame']);
  await cp(EXAMPLE, copy, { recursive: true, filter: (path) => !left.has(path.slice(EXAMPLE.length + 1)) });
  await symlink(join(EXAMPLE, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** Runs the copy under load. `look` is called at the end of the load, while the page is there. */
async function runOnce({ folder, inbox, version, seconds, look }) {
  const bookshop = new Bookshop({ folder, inbox, port: 0, version });
  const unguard = guard(() => bookshop.end().then(() => undefined));
  try {
    const { page, service } = await bookshop.ready();
    const from = Date.now();
    bookshop.drive(service, seconds);
    await step(`Driving version ${version} (${seconds} s, ${RATE} requests a second)`, () =>
      bookshop.driven(),
    );
    const to = Date.now();
    await arrived(page, to);
    await look({ page, range: { service: SERVICE, type: 'cpu', from, to } });
    console.log((await bookshop.end()).summary);
  } finally {
    await bookshop.end();
    unguard();
  }
}

/** The CPU time a second of a run, and of the problem in it. */
async function figuresOf(page, range) {
  const { rows, total } = await ask(page, 'table', { ...range, by: 'function', limit: 20_000 });
  const { total: seen = 0, self = 0 } = rows.find(({ name }) => name === PROBLEM) ?? {};
  const seconds = (range.to - range.from) / 1000;
  const milliseconds = (value) => `${(value / 1e6 / seconds).toFixed(0)} ms`;
  const share = (value) => `${((100 * value) / total).toFixed(1)} %`;
  console.log(
    `CPU time a second: ${milliseconds(total)}; ${PROBLEM}: self ${milliseconds(self)} (${share(self)}), total ${milliseconds(seen)} (${share(seen)})`,
  );
}

async function checkSizes() {
  for (const name of await readdir(IMAGES)) {
    const { size } = await stat(join(IMAGES, name));
    console.log(`${fromRoot(join(IMAGES, name))}  ${Math.ceil(size / 1024)} KiB`);
    if (size > MOST_BYTES) throw new Advice(`${name} has more than ${MOST_BYTES / 1024} KiB.`);
  }
}

await main(async () => {
  const { values } = parseArgs({
    options: { seconds: { type: 'string', default: '60' }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  if (!/^[1-9]\d{0,3}$/.test(values.seconds))
    throw new Advice(`--seconds takes a whole number from 1 to 9999; this is "${values.seconds}".`);
  const seconds = Number(values.seconds);
  await prepare();
  const { path: browser, problem } = await findBrowser();
  if (problem !== undefined) throw new Advice(problem);
  const temporary = await mkdtemp(join(tmpdir(), 'everflame-pictures-'));
  const remove = () => rm(temporary, { recursive: true, force: true });
  const unguard = guard(remove);
  let camera;
  try {
    const folder = await copyExample(temporary);
    camera = await Camera.open(browser, IMAGES);
    const inbox = join(temporary, 'history');
    const run = { folder, inbox, seconds };
    let first;
    await runOnce({
      ...run,
      version: VERSIONS.before,
      look: async ({ page, range }) => {
        first = range.from;
        await figuresOf(page, range);
        await camera.takeLive(`${new URL(page).origin}/?last=5m&live=1`);
        await camera.takeOf('before', page, range);
      },
    });
    await mustRun('git', ['apply', join(EXAMPLE, 'mend.patch')], { cwd: folder });
    await runOnce({
      ...run,
      version: VERSIONS.after,
      look: async ({ page, range }) => {
        await figuresOf(page, range);
        await camera.takeOf('both', page, { ...range, from: first });
      },
    });
    await checkSizes();
  } finally {
    await camera?.close();
    await remove();
    unguard();
  }
}, HELP);
