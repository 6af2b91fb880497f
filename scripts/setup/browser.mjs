import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Advice, mustRun, ROOT, run } from './commands.mjs';
import { withLock } from './lock.mjs';
import { makeWhole } from './whole-folder.mjs';

/** Where the browser of the package is unpacked: 200 MB that are read at each start. */
const FOLDER = join(ROOT, '.cache', 'browser');
const PACKAGE = join(ROOT, 'node_modules', '@sparticuz', 'chromium');
/** In the folder: the version of the package that it was made from. */
const STAMP = 'made-from';
/** Names of Chromium on the PATH, as distributions have them. */
const INSTALLED = ['chromium', 'chromium-browser', 'google-chrome'];
const APT_LIMIT_SECONDS = 600;
const UNPACK_LIMIT_SECONDS = 120;

/** What a program says that lacks a library of the system. */
const NO_LIBRARY = /error while loading shared libraries: (\S+):/;

/** Whether a browser starts, and if not, the library that it lacks or what it says. */
async function startProblem(path) {
  const { code, output, missing } = await run(path, ['--version'], { timeoutSeconds: 60 });
  if (missing) return 'it is not there';
  if (code === 0) return undefined;
  return output.match(NO_LIBRARY)?.[1] ?? output.trim();
}

/** Installs packages of Debian where that can be done without asking. */
async function installByApt(...packages) {
  if (!existsSync('/usr/bin/apt-get') || process.getuid() !== 0) return;
  const options = { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutSeconds: APT_LIMIT_SECONDS };
  await run('apt-get', ['update', '-qq'], options);
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], options);
}

/** The browser on the PATH that starts, if any. */
async function installedBrowser() {
  for (const name of INSTALLED) if ((await startProblem(name)) === undefined) return name;
  return undefined;
}

/** Unpacks the package's browser, which is for x86-64 alone. */
async function unpack() {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'));
  const stamp = join(FOLDER, STAMP);
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== version) {
    await makeWhole(FOLDER, async (filling) => {
      // The package unpacks into the temporary folder, whichever that is.
      const script =
        "import('@sparticuz/chromium').then(({ default: chromium }) => chromium.executablePath())";
      await mustRun(process.execPath, ['-e', script], {
        env: { TMPDIR: filling },
        timeoutSeconds: UNPACK_LIMIT_SECONDS,
      });
      writeFileSync(join(filling, STAMP), version);
    });
  }
  return join(FOLDER, 'chromium');
}

async function packagedBrowser() {
  const path = await unpack();
  let problem = await startProblem(path);
  if (problem !== undefined) {
    await installByApt('libnss3');
    problem = await startProblem(path);
  }
  if (problem === undefined) return path;
  throw new Advice(
    `The tests of the page need a Chromium. That of @sparticuz/chromium does not start: ${problem}. On Debian and Ubuntu ` +
      '"apt-get install libnss3" installs what it lacks, elsewhere the packages nss and nspr; then run this command again.',
  );
}

/** On another processor than x86-64: the distribution's. */
async function distributionsBrowser() {
  await installByApt('chromium');
  const name = await installedBrowser();
  if (name !== undefined) return name;
  throw new Advice(
    'The tests of the page need a Chromium on the PATH. On Debian "apt-get install chromium" installs it; then run this ' +
      'command again.',
  );
}

/**
 * Finds the Chromium that the tests of the page drive, and installs it where that can be done without asking.
 * EVERFLAME_TEST_BROWSER names another one.
 * @returns {Promise<string>} its path, or its name on the PATH
 * @throws {Advice} saying what to install
 */
export async function installBrowser() {
  const named = process.env.EVERFLAME_TEST_BROWSER;
  if (named) return named;
  const installed = await installedBrowser();
  if (installed !== undefined) return installed;
  if (process.arch !== 'x64') return distributionsBrowser();
  return withLock(FOLDER, packagedBrowser);
}
