import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Advice, mustRun, ROOT, run } from './commands.mjs';
import { withLock } from './lock.mjs';
import { isOlder } from './tools.mjs';
import { makeWhole } from './whole-folder.mjs';

/** Sources of our own and the versions of everybody else's. */
const SOURCES = join(ROOT, '__test__', 'receivers');
/** What is installed; __test__/support/real-receivers/ starts it from there. */
const RECEIVERS = join(ROOT, '.cache', 'receivers');
/** In an installed folder: what it was made from. */
const STAMP = 'made-from';

/** Two minutes on two idle cores where nothing was compiled before, and as much again for fetching. */
const BUILD_LIMIT_SECONDS = 1500;
const PIP_LIMIT_SECONDS = 600;
const APT_LIMIT_SECONDS = 600;

function hashOf(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
}

/** Makes a folder unless it is there and from the same. */
async function installOnce(name, key, fill) {
  const folder = join(RECEIVERS, name);
  const stamp = join(folder, STAMP);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return;
  await makeWhole(folder, async (filling) => {
    await fill(filling);
    writeFileSync(join(filling, STAMP), key);
  });
}

/** The Go version that go.mod asks for. */
function wantedGo() {
  return readFileSync(join(SOURCES, 'go.mod'), 'utf8').match(/^go (\d+\.\d+)/m)[1];
}

/** @returns {Promise<string>} the version of the Go toolchain that builds here, such as `go1.26.8` */
async function checkGo() {
  const wanted = wantedGo();
  // In that folder Go says which toolchain go.mod makes it take.
  const { missing, code, stdout, output } = await run('go', ['env', 'GOVERSION'], { cwd: SOURCES });
  if (missing) {
    throw new Advice(
      `Go ${wanted} or newer is needed to build the receivers that uploads are tested against. ` +
        'Install it from https://go.dev/dl, put it on the PATH, and run this command again.',
    );
  }
  if (code !== 0) {
    throw new Advice(
      `Go cannot build the receivers that uploads are tested against; they need ${wanted} or newer. ` +
        `Install it from https://go.dev/dl. What it says:\n${output.trim()}`,
    );
  }
  return stdout.trim();
}

/** Each folder with a `main.go` is a program. */
function goSources() {
  const files = readdirSync(SOURCES, { recursive: true }).filter((name) =>
    /\.go$|(^|\/)go\.(mod|sum)$/.test(name),
  );
  return files.sort().flatMap((name) => [name, readFileSync(join(SOURCES, name))]);
}

async function checkGoFormat() {
  const { stdout: root } = await mustRun('go', ['env', 'GOROOT'], { cwd: SOURCES });
  const { stdout } = await mustRun(join(root.trim(), 'bin', 'gofmt'), ['-l', SOURCES]);
  if (stdout !== '') {
    throw new Advice(`These files are not formatted; run "gofmt -w __test__/receivers":\n${stdout.trim()}`);
  }
}

async function installGoPrograms() {
  const version = await checkGo();
  await checkGoFormat();
  await installOnce('go', hashOf(version, ...goSources()), async (folder) => {
    const args = ['build', '-p', '2', '-ldflags=-s -w', '-o', `${folder}/`, './...'];
    await mustRun('go', args, {
      cwd: SOURCES,
      // No program of this needs C, and what go.sum does not name is not to be fetched.
      env: { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false', GOWORK: 'off' },
      timeoutSeconds: BUILD_LIMIT_SECONDS,
    });
  });
}

/** The oldest that what requirements.txt names runs on. */
const OLDEST_PYTHON = '3.11';
const PYTHON_VERSION = 'import ensurepip, sys, venv; print("%d.%d.%d" % sys.version_info[:3])';

/** Undefined where there is no Python, or it cannot make virtual environments: on Debian that is a package of its own. */
async function pythonVersion() {
  const { missing, code, stdout } = await run('python3', ['-c', PYTHON_VERSION]);
  return missing || code !== 0 ? undefined : stdout.trim();
}

/** @returns {Promise<string>} the version of Python, which it installs where it is missing and that can be */
async function checkPython() {
  let version = await pythonVersion();
  if (version === undefined && existsSync('/usr/bin/apt-get') && process.getuid() === 0) {
    const options = { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutSeconds: APT_LIMIT_SECONDS };
    await run('apt-get', ['update', '-qq'], options);
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'python3-venv'], options);
    version = await pythonVersion();
  }
  if (version !== undefined && !isOlder(version, OLDEST_PYTHON)) return version;
  throw new Advice(
    `The Datadog test agent and ddtrace, which uploads are tested with, need Python ${OLDEST_PYTHON} or newer as python3, with ` +
      `venv; ${version === undefined ? 'there is none' : `this is ${version}`}. ` +
      'On Debian and Ubuntu "apt-get install python3-venv" installs both; then run this command again.',
  );
}

/** As a module: the folder gets another name, and the scripts in it have that of now in their first line. */
const PIP = ['-m', 'pip', '--quiet', '--disable-pip-version-check', '--no-input'];

function requirementsOf(name) {
  return join(SOURCES, name, 'requirements.txt');
}

async function installTestAgent() {
  const version = await checkPython();
  const requirements = requirementsOf('test-agent');
  await installOnce('test-agent', hashOf(version, readFileSync(requirements)), async (folder) => {
    await mustRun('python3', ['-m', 'venv', folder]);
    await mustRun(join(folder, 'bin', 'python3'), [...PIP, 'install', '-r', requirements], {
      timeoutSeconds: PIP_LIMIT_SECONDS,
    });
  });
}

/** Datadog's profiler for Python: it sends to the collector. */
async function installDdtrace() {
  const version = await checkPython();
  const requirements = requirementsOf('ddtrace');
  await installOnce('ddtrace', hashOf(version, readFileSync(requirements)), async (folder) => {
    // A pip of its own, and modules compiled that a small program never loads, would take as long again.
    await mustRun('python3', ['-m', 'venv', '--without-pip', folder]);
    const into = ['--python', join(folder, 'bin', 'python3')];
    const args = [...PIP, ...into, 'install', '--no-compile', '-r', requirements];
    await mustRun(join(RECEIVERS, 'test-agent', 'bin', 'python3'), args, {
      timeoutSeconds: PIP_LIMIT_SECONDS,
    });
  });
}

/** What there is, in the order of installation. */
const INSTALLERS = [
  { title: 'Installing the Datadog test agent', install: installTestAgent },
  // By the pip of the test agent.
  { title: 'Installing ddtrace for Python', install: installDdtrace },
  { title: 'Building the Agent, Collector and Pyroscope receivers', install: installGoPrograms },
];

/**
 * Installs what uploads are tested with under .cache/receivers/, unless it is there. Of two processes the second one
 * waits and finds everything done.
 * @param {{ step?: (title: string, body: () => Promise<void>) => Promise<void>, onWait?: () => void }} [show] `step` shows
 *   what is at work, and `onWait` that another process is
 */
export async function installReceivers({ step = (_title, body) => body(), onWait } = {}) {
  const installAll = async () => {
    for (const { title, install } of INSTALLERS) await step(title, install);
  };
  await withLock(RECEIVERS, installAll, onWait);
}
