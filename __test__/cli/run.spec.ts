import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { handles } from '#src/cli/not-a-program.js';
import { appendPreload } from '#src/package-root.js';
import { pidsOf, profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { freePorts } from '../support/ports.js';
import { readProfile, total } from '../support/pprof.js';
import { CLI, everflame, ROOT, run, start } from '../support/spawn.js';
import { terminalTest, withTerminal } from '../support/terminal.js';

const env = { EVERFLAME_ENGINE: 'inspector' };
/** Runs a program as another user. */
const SETPRIV = '/usr/bin/setpriv';
const BURN = `function burn(ms) { const end = Date.now() + ms; while (Date.now() < end) Math.sqrt(end); }`;

for (const { major, path } of testNodes()) {
  test.serial(
    `Node.js ${major}: the exit code, both outputs and the arguments are the program's own`,
    async (t) => {
      const folder = temporaryFolder(t, {
        'app.js': `${BURN} burn(50); console.log(JSON.stringify(process.argv.slice(2))); console.error('oops'); process.exit(42);`,
      });
      const end = await everflame(['run', '--output', 'out', '--', path, 'app.js', '--output', 'x y', '-o'], {
        cwd: folder,
        env,
      });
      t.is(end.code, 42);
      t.is(end.stdout, '["--output","x y","-o"]\n');
      t.regex(
        end.stderr,
        /^oops\neverflame: 1 profile of 1 process in out; look at it with: everflame top out\/profile\.\d+\.0\.wall\.pprof\n$/,
      );
      const [file] = profilesIn(join(folder, 'out'));
      t.true(total([readProfile(file as string)], 'wall') > 40e6);
    },
  );
}

test.serial('standard input goes to the program', async (t) => {
  const folder = temporaryFolder(t);
  const end = await everflame(
    ['run', '--output', 'out', 'node', '-e', 'process.stdin.pipe(process.stdout)'],
    {
      cwd: folder,
      env,
      input: 'every\nline\n',
    },
  );
  t.is(end.stdout, 'every\nline\n');
  t.is(end.code, 0);
});

test.serial('pipes that the program has in common with the command still block', async (t) => {
  const folder = temporaryFolder(t);
  // Not by `console`, which makes them non-blocking itself.
  const script = `setTimeout(() => {
      const fs = require('node:fs');
      const isNonblocking = (fd) => (parseInt(/flags:\\s+(\\d+)/.exec(fs.readFileSync('/proc/self/fdinfo/' + fd, 'utf8'))[1], 8) & 0o4000) !== 0;
      const modes = [0, 1, 2].map(isNonblocking);
      fs.writeSync(1, JSON.stringify([fs.readSync(0, Buffer.alloc(9)), ...modes]));
    }, 200);`;
  const piped = `(sleep 1; echo hi) | "$@" 2>&1 | cat`;
  for (const command of [[], [process.execPath, CLI, 'run', '--output', 'out']]) {
    const words = [...command, process.execPath, '-e', script];
    const end = await run('sh', ['-c', piped, 'sh', ...words], { cwd: folder, env });
    t.is(/^\[.*\]/.exec(end.stdout)?.[0], '[3,false,false,false]', end.stdout);
  }
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const) {
  test.serial(`${signal} to the command reaches the program, which decides`, async (t) => {
    const folder = temporaryFolder(t);
    const script = `process.on('${signal}', () => { console.log('heard ${signal}'); process.exit(5); });
      setInterval(() => {}, 1000); console.log('ready');`;
    const running = start(process.execPath, [CLI, 'run', '--output', 'out', 'node', '-e', script], {
      cwd: folder,
      env,
    });
    await running.said('ready');
    running.child.kill(signal);
    const end = await running.ended;
    t.is(end.stdout, `ready\nheard ${signal}\n`);
    t.is(end.code, 5);
    t.is(profilesIn(join(folder, 'out')).length, 1);
  });
}

/** What to do when a program has said a word for the first time: type keys, or something to the process above it. */
type Reactions = Record<string, (type: (keys: string) => void, parent: number) => void>;

/** Runs `everflame run` at a terminal of its own. The program says the number of its parent as `parent <number>.`. */
async function atTerminal(t: ExecutionContext, script: string, reactions: Reactions) {
  const folder = temporaryFolder(t, { 'app.js': script });
  const command = `exec ${process.execPath} ${CLI} run --output out node app.js`;
  const terminal = spawn(...withTerminal(command), {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const limit = setTimeout(() => terminal.kill('SIGKILL'), 60_000);
  const waiting = new Map(Object.entries(reactions));
  let said = '';
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    for (const [word, react] of waiting) {
      if (!said.includes(word)) continue;
      waiting.delete(word);
      react((keys) => terminal.stdin.write(keys), Number(/parent (\d+)\./.exec(said)?.[1]));
    }
  });
  const [code] = (await once(terminal, 'close')) as [number | null];
  clearTimeout(limit);
  return { code, said };
}

// Counts what it hears. Longer than the command waits before it hands a signal on, the program says so and goes on or ends.
const COUNT = `
  const heard = [];
  for (const signal of ['SIGINT', 'SIGQUIT']) process.on(signal, () => heard.push(signal));
  let said = 0;
  setInterval(() => {
    if (heard.length === said) return;
    said = heard.length;
    setTimeout(() => {
      console.log('after ' + said + ': ' + heard.join());
      if (said === LAST) process.exit(5);
    }, 1500);
  }, 10);
  console.log('parent ' + process.ppid + '.');`;

for (const [signal, key] of [
  ['SIGINT', '\x03'],
  ['SIGQUIT', '\x1c'],
] as const) {
  terminalTest(`at a terminal, ${signal} by its key reaches the program once, every time`, async (t) => {
    const { code, said } = await atTerminal(t, COUNT.replace('LAST', '2'), {
      'parent ': (type) => type(key),
      'after 1': (type) => type(key),
    });
    t.is(code, 5, said);
    t.regex(said, new RegExp(`after 1: ${signal}\r\n`));
    t.regex(said, new RegExp(`after 2: ${signal},${signal}\r\n`));
  });

  terminalTest(`at a terminal, ${signal} to the command alone reaches the program, every time`, async (t) => {
    const { code, said } = await atTerminal(t, COUNT.replace('LAST', '2'), {
      'parent ': (_, parent) => process.kill(parent, signal),
      'after 1': (_, parent) => process.kill(parent, signal),
    });
    t.is(code, 5, said);
    t.regex(said, new RegExp(`after 2: ${signal},${signal}\r\n`));
  });
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL', 'SIGABRT'] as const) {
  test.serial(`a program that dies by ${signal} gives the command the same end`, async (t) => {
    const folder = temporaryFolder(t);
    const script = `console.log('ready'); process.kill(process.pid, '${signal}'); setInterval(() => {}, 1000);`;
    const end = await everflame(['run', '--output', 'out', 'node', '-e', script], { cwd: folder, env });
    t.is(end.signal, signal, JSON.stringify(end));
    t.is(end.stdout, 'ready\n');
  });
}

(process.getuid?.() === 0 && existsSync(SETPRIV) ? test.serial : test.skip)(
  'a program of another user runs on where a signal may not be handed on (to make one takes root and setpriv)',
  async (t) => {
    const folder = temporaryFolder(t);
    chmodSync(folder, 0o755);
    const asRoot = join(folder, 'as-root');
    copyFileSync(SETPRIV, asRoot);
    chmodSync(asRoot, 0o4755);
    // Runs until there is somebody who writes.
    const pipe = join(folder, 'pipe');
    spawnSync('mkfifo', [pipe]);
    const words = [CLI, 'run', asRoot, '--reuid=0', 'cat', pipe];
    const running = start(SETPRIV, ['--reuid=65534', '--clear-groups', process.execPath, ...words], {
      cwd: folder,
      env: { ...env, HOME: folder },
    });
    const child = await childOf(running.child.pid as number, 'cat');
    let told = '';
    running.child.stderr?.on('data', (text: string) => {
      told += text;
    });
    running.child.kill('SIGTERM');
    // A program that has ended by then is sent nothing.
    while (told === '' && running.child.exitCode === null) await sleep(20);
    // Waits for the reader, so not on this thread.
    await writeFile(pipe, '');
    const end = await running.ended;
    t.is(end.code, 0, end.stderr);
    t.regex(
      end.stderr,
      new RegExp(
        `^everflame: warn: a signal cannot be handed on to .*as-root .*EPERM.* Send it to process ${child} as that user\\.$`,
        'm',
      ),
    );
  },
);

/** The child with this name, once it is there. */
async function childOf(parent: number, name: string): Promise<number> {
  for (;;) {
    const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ');
    const found = children.find((pid) => pid && readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name);
    if (found) return Number(found);
    await sleep(20);
  }
}

test.serial('npm scripts: the program below npm is profiled', async (t) => {
  const folder = temporaryFolder(t, {
    'package.json': JSON.stringify({ name: 'app', scripts: { work: 'node app.js' } }),
    'app.js': `${BURN} burn(50); require('fs').writeFileSync('pid', String(process.pid)); process.exit(3);`,
  });
  const end = await everflame(['run', '--output', 'out', 'npm', 'run', '--silent', 'work'], {
    cwd: folder,
    env,
  });
  t.is(end.code, 3, end.stderr);
  const { readFileSync } = await import('node:fs');
  const pids = pidsOf(profilesIn(join(folder, 'out')));
  t.true(pids.includes(Number(readFileSync(join(folder, 'pid'), 'utf8'))), pids.join());
});

test.serial('child processes and cluster workers each write their own profile', async (t) => {
  const folder = temporaryFolder(t, {
    'app.js': `
      const cluster = require('node:cluster');
      const { execFileSync } = require('node:child_process');
      console.log(process.pid);
      if (cluster.isPrimary) {
        execFileSync(process.execPath, ['-e', 'console.log(process.pid)'], { stdio: 'inherit' });
        for (let i = 0; i < 2; i++) cluster.fork();
      } else process.disconnect();`,
  });
  const end = await everflame(['run', '--output', 'out', 'node', 'app.js'], { cwd: folder, env });
  const said = end.stdout
    .trim()
    .split('\n')
    .map(Number)
    .sort((a, b) => a - b);
  t.is(said.length, 4);
  t.deepEqual(pidsOf(profilesIn(join(folder, 'out'))), said);
  t.regex(end.stderr, /4 profiles of 4 processes in out/);
});

test.serial('NODE_OPTIONS of the user stay, and an install path with spaces and quotes works', async (t) => {
  const folder = temporaryFolder(t, { 'user.js': "console.log('preload of the user');" });
  const end = await everflame(
    ['run', '--output', 'out', 'node', '-e', 'console.log(process.env.NODE_OPTIONS)'],
    {
      cwd: folder,
      env: { ...env, NODE_OPTIONS: '--require ./user.js --no-warnings' },
    },
  );
  // The command is a Node.js program with these options as well, and so says the line itself, first.
  t.regex(
    end.stdout,
    /^(preload of the user\n){2}--require \.\/user\.js --no-warnings --require \S+auto\.js\n$/,
  );
  const odd = join(folder, 'a "b" \\c d');
  mkdirSync(odd);
  writeFileSync(join(odd, 'auto.js'), "console.log('loaded');");
  for (const { major, path } of testNodes()) {
    const options = appendPreload('--no-warnings', join(odd, 'auto.js'));
    const loaded = await run(path, ['-e', '0'], { env: { NODE_OPTIONS: options } });
    t.is(loaded.stdout, 'loaded\n', major + loaded.stderr);
  }
});

test.serial('a program that does not exist: 127 and the remedy', async (t) => {
  const end = await everflame(['run', 'no-such-program', 'x']);
  t.is(end.code, 127);
  t.is(end.stderr, 'everflame: error: no such program: no-such-program. Check the name and PATH.\n');
  const script = await everflame(['run', 'app.js']);
  t.is(script.code, 127);
  t.regex(script.stderr, /To run a script, put node before it: node app\.js\n$/);
});

for (const [what, words, code, said] of [
  ['a file that is no program', ['./data'], 126, /cannot run \.\/data: .*EACCES.* this user may execute\.$/],
  [
    'a path through a file',
    ['./data/x'],
    126,
    /cannot run \.\/data\/x: .*ENOTDIR.* is a file, not a folder\.$/,
  ],
  [
    'too long an argument',
    ['true', 'x'.repeat(1 << 17)],
    126,
    /cannot run true: .*E2BIG.* hand them over in a file\.$/,
  ],
  ['an empty name', [''], 127, /the name of the program is empty\. Is a variable in the command not set\?$/],
] as const) {
  test.serial(`${what}: ${code}, one line, and nothing is left behind`, async (t) => {
    // The kernel would refuse too long an argument to the command as well, so its words come by standard input.
    const main = `process.argv = [...process.argv.slice(0, 2), 'run', ...JSON.parse(require('node:fs').readFileSync(0, 'utf8'))];
      require(${JSON.stringify(CLI)});`;
    const folder = temporaryFolder(t, { data: 'text', 'main.js': main });
    const temporary = temporaryFolder(t);
    const end = await run(process.execPath, ['main.js'], {
      cwd: folder,
      env: { TMPDIR: temporary },
      input: JSON.stringify(words),
    });
    t.is(end.code, code, end.stderr);
    t.is(end.stderr.split('\n').length, 2, end.stderr);
    t.regex(end.stderr.trimEnd(), new RegExp(`^everflame: error: ${said.source}`));
    t.deepEqual(readdirSync(temporary), []);
  });
}

for (const [what, script, said] of [
  [
    'a line that a full disk cut off',
    `require('node:fs').appendFileSync(process.env.EVERFLAME_RUN_REPORT, '{"kind":"star\\n');`,
    /^everflame: 1 profile of 1 process in \.\.\/out; look at it with: everflame top \.\.\/out\/profile\./,
  ],
  [
    'a working directory that is gone',
    `require('node:fs').rmdirSync(process.cwd());`,
    /^everflame: 1 profile of 1 process in \/.*out; look at it with: everflame top \/.*out\/profile\./,
  ],
  [
    'a directory for temporary files that is a file now',
    `const fs = require('node:fs'); fs.renameSync(process.env.TMPDIR, process.env.TMPDIR + '.old'); fs.writeFileSync(process.env.TMPDIR, '');`,
    /^everflame: 1 profile of 1 process in \.\.\/out; look at it with: everflame top \.\.\/out\/profile\./,
  ],
] as const) {
  test.serial(`${what} changes neither the exit code nor the last line`, async (t) => {
    const folder = temporaryFolder(t);
    const [cwd, temporary] = [join(folder, 'work'), join(folder, 'temporary')];
    for (const made of [cwd, temporary]) mkdirSync(made);
    const end = await everflame(['run', 'node', '-e', `${script} process.exit(7);`], {
      cwd,
      // By the environment: the command itself has not asked for its working directory then.
      env: { ...env, TMPDIR: temporary, DD_PROFILING_OUTPUT_PPROF: join(folder, 'out', 'profile') },
    });
    t.is(end.code, 7, end.stderr);
    t.regex(end.stderr, said);
    t.is(end.stderr.split('\n').length, 2, end.stderr);
  });
}

test.serial(
  'in a working directory that is gone, the program runs, and its profiles go elsewhere',
  async (t) => {
    const folder = temporaryFolder(t);
    const command = `mkdir gone && cd gone && rmdir ../gone && exec "$@"`;
    for (const [flags, code, said] of [
      [
        [],
        7,
        /^everflame: profiles are kept in \/.*everflame-\d+: .*\neverflame: 1 profile of 1 process in \/.*everflame-\d+; look at it with: everflame top \/\S+\n$/,
      ],
      [
        ['--output', 'out'],
        7,
        /^everflame: warn: cannot write profiles to out: the output out is below a working directory that is gone \(ENOENT.* name a folder that can be written with --output <dir>\.\n$/,
      ],
    ] as const) {
      const words = [
        process.execPath,
        CLI,
        'run',
        ...flags,
        'node',
        '-e',
        `console.log('up'); process.exit(${code});`,
      ];
      const end = await run('sh', ['-c', command, 'sh', ...words], {
        cwd: folder,
        env: { ...env, TMPDIR: folder },
      });
      t.deepEqual([end.code, end.stdout], [code, 'up\n'], end.stderr);
      t.regex(end.stderr, said);
    }
  },
);

test.serial('a full disk is said once, and nothing about the program beside it', async (t) => {
  const folder = temporaryFolder(t);
  const script = `const fs = require('node:fs');
    const { writeFileSync } = fs;
    // A device that is always full, in the place of the file.
    fs.writeFileSync = (path, data) => writeFileSync(/pprof/.test(path) ? '/dev/full' : path, data);
    ${BURN} burn(100); process.exit(5);`;
  const end = await everflame(['run', '--output', 'out', 'node', '-e', script], { cwd: folder, env });
  t.is(end.code, 5);
  t.regex(end.stderr, /^everflame: error: cannot write profiles to .*ENOSPC.*: free space, or .*\n$/);
});

for (const [what, words, said] of [
  [
    'counts the files that are there',
    ['node', '-e', '0'],
    /^everflame: 1 profile of 1 process in out; look at it with: everflame top out\/profile\.\d+\.0\.wall\.pprof\n$/,
  ],
  [
    'does not guess',
    ['true'],
    /^everflame: whether a Node\.js process was profiled is not known: \/\S* is full\.\n$/,
  ],
] as const) {
  test.serial(`where the reports find no room, the last line ${what}`, async (t) => {
    // Loaded by the command and by the program, as a disk is shared by both.
    const full = `require('node:fs').appendFileSync = () => { throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }); };`;
    const folder = temporaryFolder(t, { 'full.js': full });
    const end = await everflame(['run', '--output', 'out', ...words], {
      cwd: folder,
      env: { ...env, NODE_OPTIONS: '--require ./full.js' },
    });
    t.is(end.code, 0);
    t.regex(end.stderr, said);
  });
}

/** A place for temporary files in which nothing can be written, by its name and by what a program needs to see it so. */
const NO_ROOM: [string, string][] = [
  ['is not there', ''],
  [
    'is full',
    `const fs = require('node:fs'); const { writeFileSync } = fs;
     try { fs.mkdirSync(process.env.TMPDIR); } catch {}
     fs.writeFileSync = (path, ...rest) => {
       if (String(path).startsWith(process.env.TMPDIR)) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
       return writeFileSync(path, ...rest);
     };`,
  ],
];

for (const [what, script] of NO_ROOM) {
  test.serial(
    `where the directory for temporary files ${what}, the report is beside the profiles`,
    async (t) => {
      const folder = temporaryFolder(t, { 'first.js': script });
      const temporary = join(folder, 'temporary');
      const all = { ...env, NODE_OPTIONS: '--require ./first.js', TMPDIR: temporary };
      // By another place than the command's, which only a report tells.
      const program = ['sh', '-c', 'DD_PROFILING_OUTPUT_PPROF=elsewhere/p exec node -e 0'];
      const end = await everflame(['run', '--output', 'out', ...program], { cwd: folder, env: all });
      t.regex(end.stderr, /^everflame: 1 profile of 1 process in elsewhere; look at it with: .*\n$/);
      const other = await everflame(['run', '--output', 'out', 'true'], { cwd: folder, env: all });
      t.regex(other.stderr, /^everflame: no Node\.js process has reported a profile: true is not a/);
      t.deepEqual(readdirSync(join(folder, 'out')), [], 'nothing is left behind');
      // Without a folder for the profiles either, the files that are there are what is known.
      const found = await everflame(['run', 'node', '-e', '0'], { cwd: folder, env: all });
      t.regex(
        found.stderr,
        /^everflame: profiles are kept in .*\neverflame: 1 profile of 1 process in \.everflame; look at it with: .*\n$/,
      );
      rmSync(join(folder, '.everflame'), { recursive: true });
      const none = await everflame(['run', 'true'], { cwd: folder, env: all });
      t.regex(
        none.stderr,
        what === 'is full'
          ? /^everflame: whether a Node\.js process was profiled is not known: \S+temporary is full\.\n$/
          : /^everflame: whether .* is not known: no temporary file can be made in \S+temporary \(ENOENT.*\)\.\n$/,
      );
    },
  );
}

test.serial(
  'where no file may be written the program says so, and the last line claims nothing else',
  async (t) => {
    const folder = temporaryFolder(t);
    const temporary = temporaryFolder(t);
    const words = [process.execPath, CLI, 'run', '--output', 'out', 'node', '-e', `${BURN} burn(100);`];
    const end = await run('sh', ['-c', 'ulimit -f 0; exec "$@"', 'sh', ...words], {
      cwd: folder,
      env: { ...env, TMPDIR: temporary },
    });
    t.is(end.code, 0, end.stderr);
    t.regex(
      end.stderr,
      /^everflame: error: cannot write profiles to .*EFBIG.*\neverflame: whether a Node\.js process was profiled is not known: no file may be written \(ulimit -f\)\.\n$/,
    );
    t.deepEqual(readdirSync(temporary), []);
  },
);

for (const { major, path } of testNodes()) {
  test.serial(
    `Node.js ${major}: where the permission model lets nothing be written, the last line is true`,
    async (t) => {
      const folder = temporaryFolder(t);
      const model = Number(major) < 22 ? '--experimental-permission' : '--permission';
      const words = [path, model, '--no-warnings', '--allow-addons', '--allow-fs-read=*', '-e', '0'];
      const end = await everflame(['run', '--output', 'out', ...words], { cwd: folder });
      t.is(end.code, 0, end.stderr);
      t.regex(
        end.stderr,
        /^everflame: error: cannot write profiles to .*--allow-fs-write=.*\neverflame: no Node\.js process has reported a profile: .*, or may not load the profiler or write files\.\n$/,
      );
    },
  );
}

(process.getuid?.() === 0 ? test.serial : test.skip)(
  'a program that gives up its rights and cannot write then: the last line is true (takes root)',
  async (t) => {
    const folder = temporaryFolder(t);
    const script = `process.setgid(65534); process.setuid(65534); ${BURN} burn(100);`;
    const end = await everflame(['run', '--output', 'out', 'node', '-e', script], { cwd: folder, env });
    t.is(end.code, 0, end.stderr);
    t.regex(
      end.stderr,
      /^everflame: error: cannot write profiles to .*EACCES.*\neverflame: 1 process profiled, but no profile was written: .*, or the process could not write, as it says itself then\.\n$/,
    );
  },
);

test.serial(
  'a program that is not Node.js runs normally, and one line says that nothing was profiled',
  async (t) => {
    const folder = temporaryFolder(t);
    const end = await everflame(['run', 'sh', '-c', 'echo output; exit 4'], { cwd: folder });
    t.is(end.code, 4);
    t.is(end.stdout, 'output\n');
    t.is(end.stderr.trimEnd().split('\n').length, 1);
    t.regex(
      end.stderr,
      /^everflame: no Node\.js process has reported a profile: sh is not a Node\.js program/,
    );
  },
);

test.serial('DD_PROFILING_ENABLED=false wins, and the command says so', async (t) => {
  const folder = temporaryFolder(t);
  const end = await everflame(['run', '--output', 'out', 'node', '-e', 'process.exit(6)'], {
    cwd: folder,
    env: { DD_PROFILING_ENABLED: 'false' },
  });
  t.is(end.code, 6);
  t.is(end.stderr, 'everflame: no Node.js process was profiled: DD_PROFILING_ENABLED is false.\n');
  t.deepEqual(profilesIn(join(folder, 'out')), []);
});

test.serial('a profiler that is switched on while the program runs is in the last line', async (t) => {
  const control = JSON.stringify(join(ROOT, 'dist', 'src', 'control.js'));
  const script = `require(${control}).start(); ${BURN} burn(60);`;
  const end = await everflame(['run', '--output', 'out', 'node', '-e', script], {
    cwd: temporaryFolder(t),
    env: { DD_PROFILING_ENABLED: 'false' },
  });
  t.regex(end.stderr, /^everflame: 1 profile of 1 process in out; look at it with: .*\n$/);
});

test.serial(
  'where no kind of profile is on, one line says so and the last line guesses nothing',
  async (t) => {
    const end = await everflame(['run', '--no-wall', '--no-cpu', 'node', '-e', '0'], {
      cwd: temporaryFolder(t),
    });
    t.regex(end.stderr, /^everflame: error: wall time and CPU time are both switched off, .*\n$/);
  },
);

test.serial('the old name of that switch does the same', async (t) => {
  const folder = temporaryFolder(t);
  const env = { DD_EXPERIMENTAL_PROFILING_ENABLED: 'false' };
  const end = await everflame(['run', '--output', 'out', 'node', '-e', '0'], { cwd: folder, env });
  const line = 'no Node.js process was profiled: DD_EXPERIMENTAL_PROFILING_ENABLED is false.';
  t.deepEqual([end.code, end.stderr], [0, `everflame: ${line}\n`]);
  t.deepEqual(profilesIn(join(folder, 'out')), []);
});

for (const variable of ['EVERFLAME_EXPORTERS', 'DD_PROFILING_EXPORTERS']) {
  test.serial(`${variable}=none: the command says that nobody gets a profile`, async (t) => {
    const folder = temporaryFolder(t);
    const end = await everflame(['run', 'node', '-e', 'process.exit(6)'], {
      cwd: folder,
      env: { [variable]: 'none' },
    });
    const line = `nobody gets a profile: ${variable} is none. Unset it, or name exporters in it.`;
    t.deepEqual([end.code, end.stderr], [6, `everflame: ${line}\n`]);
    t.deepEqual(readdirSync(folder), []);
  });
}

for (const rate of ['0', '-5', 'NaN', '1e9']) {
  test.serial(`the rate ${rate}: one warning with the range, and the program runs`, async (t) => {
    const folder = temporaryFolder(t);
    const end = await everflame(['run', '--output', 'out', '--rate', rate, 'node', '-e', 'process.exit(7)'], {
      cwd: folder,
      env,
    });
    t.is(end.code, 7);
    const warnings = end.stderr.split('\n').filter((line) => line.includes('warn'));
    t.deepEqual(warnings, [
      `everflame: warn: --rate is "${rate}", but it must be a number of hertz from 1 to 10000; 99 is used instead.`,
    ]);
    t.regex(end.stderr, /\neverflame: 1 profile of 1 process in out; look at it with: /);
  });
}

for (const [given, said] of [
  [['--preiod=9'], 'The option --preiod is not known and is ignored. Did you mean --period?'],
  [
    ['--preiod', '9'],
    'The option --preiod is not known and is ignored with its value "9". Did you mean --period?',
  ],
  [
    ['--preiod', '9', '--'],
    'The option --preiod is not known and is ignored with its value "9". Did you mean --period?',
  ],
  [['--no-timelin'], 'The option --no-timelin is not known and is ignored. Did you mean --no-timeline?'],
  [['-x'], 'The option -x is not known and is ignored. "everflame run --help" lists the options.'],
  [
    ['--colour', 'no-such-program'],
    'The option --colour is not known and is ignored with its value "no-such-program". "everflame run --help" lists the options.',
  ],
] as const) {
  test.serial(`the unknown option ${given.join(' ')}: one warning, and the program runs`, async (t) => {
    const folder = temporaryFolder(t);
    // A known option before it and one behind it show that nothing else is lost.
    const words = ['--output', 'out', ...given.filter((word) => word !== '--'), '--rate', '0'];
    const separator = given.filter((word) => word === '--');
    const end = await everflame(['run', ...words, ...separator, 'node', '-e', 'process.exit(8)'], {
      cwd: folder,
      env,
    });
    t.is(end.code, 8, end.stderr);
    const [first, second] = end.stderr.split('\n');
    t.is(first, `everflame: warn: ${said}`);
    t.regex(second ?? '', /^everflame: warn: --rate is "0"/);
    t.is(profilesIn(join(folder, 'out')).length, 1);
  });
}

test.serial('an unknown option directly before the program is no reason to drop the program', async (t) => {
  const folder = temporaryFolder(t);
  const end = await everflame(['run', '--preiod', 'true'], { cwd: folder, env });
  t.is(end.code, 0, end.stderr);
  t.regex(
    end.stderr,
    /^everflame: warn: The option --preiod is not known and is ignored\. Did you mean --period\?\n/,
  );
});

test.serial('an output that cannot be written is said at once and once, and the program runs', async (t) => {
  for (const output of ['/proc/nowhere', '/dev/null', join(ROOT, 'package.json', 'below')]) {
    const running = start(
      process.execPath,
      [
        CLI,
        'run',
        '--output',
        output,
        'node',
        '-e',
        'process.stdin.on("data", () => process.exit(9)); console.log("up")',
      ],
      { env, input: 'go' },
    );
    const end = await running.ended;
    t.is(end.code, 9, output);
    t.is(end.stdout, 'up\n');
    t.is(end.stderr.trimEnd().split('\n').length, 1, end.stderr);
    t.true(end.stderr.startsWith(`everflame: warn: cannot write profiles to ${output}: `), end.stderr);
    t.regex(end.stderr, /name a folder that can be written with --output <dir>\.\n$/);
  }
});

test.serial('without an output the profiles are in .everflame', async (t) => {
  const folder = temporaryFolder(t);
  const end = await everflame(['run', 'node', '-e', '0'], { cwd: folder, env });
  t.is(end.code, 0);
  t.is(profilesIn(join(folder, '.everflame')).length, 1, end.stderr);
});

test.serial(
  'the command that the last line names can be pasted into a shell, whatever the folder is called',
  async (t) => {
    const folder = temporaryFolder(t);
    const end = await everflame(['run', '--output', "it's $HOME\nü", 'node', '-e', '0'], {
      cwd: folder,
      env,
    });
    const command = /look at it with: everflame (top .*)/s.exec(end.stderr)?.[1] ?? '';
    const pasted = await run('sh', ['-c', `"$0" "$1" ${command}`, process.execPath, CLI], { cwd: folder });
    t.is(pasted.code, 0, end.stderr + pasted.stderr);
    t.regex(pasted.stdout, /in 1 file, by function/);
  },
);

test.serial(
  'the last line counts what this run wrote, not what an earlier process of the same number left',
  async (t) => {
    const folder = temporaryFolder(t);
    mkdirSync(join(folder, 'out'));
    // Behind the preload of the user, who is first, so it is there when the profiler looks for its number.
    writeFileSync(
      join(folder, 'earlier.js'),
      `for (const number of [0, 7, 10]) require('node:fs').writeFileSync('out/profile.' + process.pid + '.' + number + '.wall.pprof', 'earlier');`,
    );
    const end = await everflame(['run', '--output', 'out', 'node', '-e', '0'], {
      cwd: folder,
      env: { ...env, NODE_OPTIONS: '--require ./earlier.js' },
    });
    t.regex(
      end.stderr,
      /^everflame: 1 profile of 1 process in out; .* out\/profile\.\d+\.11\.wall\.pprof\n$/,
    );
  },
);

for (const [variable, used, where] of [
  ['', '.everflame', '.everflame'],
  ['elsewhere/profile', 'elsewhere/profile', 'elsewhere'],
] as const) {
  test.serial(`an empty output is one warning, and ${used} is used`, async (t) => {
    const folder = temporaryFolder(t);
    const end = await everflame(['run', '--output', '', 'node', '-e', 'process.exit(3)'], {
      cwd: folder,
      env: { ...env, DD_PROFILING_OUTPUT_PPROF: variable },
    });
    t.is(end.code, 3);
    const [warning, ...rest] = end.stderr.split('\n');
    t.is(warning, `everflame: warn: --output is "", but it must be a folder; ${used} is used instead.`);
    t.false(rest.join('').includes('warn'), end.stderr);
    t.is(profilesIn(join(folder, where)).length, 1);
    t.deepEqual(profilesIn(folder), []);
  });
}

test.serial('the options reach the profiler', async (t) => {
  const folder = temporaryFolder(t);
  const end = await everflame(
    [
      'run',
      '--output',
      'out',
      '--rate',
      '500',
      '--period',
      '0.2',
      '--no-timeline',
      'node',
      '-e',
      `function burn(ms) {
        const end = process.cpuUsage().user + ms * 1000;
        while (process.cpuUsage().user < end) for (let i = 0; i < 1e5; i++) Math.sqrt(i);
      }
      let n = 0; const timer = setInterval(() => { burn(20); if (++n === 40) clearInterval(timer); }, 1)`,
    ],
    { cwd: folder, env },
  );
  t.is(end.code, 0, end.stderr);
  const profiles = profilesIn(join(folder, 'out')).map(readProfile);
  t.true(profiles.length >= 3, `${profiles.length}`);
  t.true(profiles.every(({ samples }) => samples.every(({ labels }) => !labels.has('end_timestamp_ns'))));
  // 0.8 s of CPU time at 500 Hz; the half leaves room for a loaded machine, and is over twice what 99 Hz would give.
  t.true(total(profiles, 'sample') > 200, String(total(profiles, 'sample')));
});

/** The start of a program in ELF: its class (32 or 64 bits), byte order, processor, and size of a program header. */
function elf(bits: 32 | 64, bigEndian: boolean, machine: number, entry = bits === 64 ? 56 : 32): Buffer {
  const header = Buffer.alloc(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, bits / 32, bigEndian ? 2 : 1, 1]);
  for (const [offset, value] of [
    [16, 2],
    [18, machine],
    [bits === 64 ? 54 : 42, entry],
  ] as const) {
    if (bigEndian) header.writeUInt16BE(value, offset);
    else header.writeUInt16LE(value, offset);
  }
  return header;
}

const FOREIGN = process.arch === 'x64' ? 'arm64' : 'x64';
const ELF_MACHINES: Record<string, number> = { x64: 62, arm64: 183 };
const FOREIGN_SAID = new RegExp(
  `it is for another kind of processor \\(${FOREIGN}\\)\\. Use the one for ${process.arch}\\.`,
);

for (const [what, content, said] of [
  ['a program of another processor', elf(64, false, ELF_MACHINES[FOREIGN] as number), FOREIGN_SAID],
  // 21 is EM_PPC64; no handler of an emulator is likely for it.
  [
    'a program with the other byte order',
    elf(64, true, 21),
    /it is for another kind of processor\. Use the one for /,
  ],
  [
    'a program with garbage behind its first bytes',
    Buffer.from('\x7fELFgarbage'),
    /it is damaged, or no program\. Copy or build it again\./,
  ],
  [
    'a library that was cut off',
    elf(64, false, ELF_MACHINES[process.arch] as number, 0),
    /it is damaged, or no program\./,
  ],
  [
    'a file that is neither a program nor text',
    Buffer.from([1, 2, 0, 3, 10]),
    /it is neither a program of this system nor a script\./,
  ],
] as const) {
  test.serial(`${what}: 126 and one line, by its path and in PATH`, async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'thing'), content, { mode: 0o755 });
    for (const name of ['./thing', 'thing']) {
      const end = await everflame(['run', '--output', 'out', name], {
        cwd: folder,
        env: { PATH: `${folder}:${process.env.PATH}` },
      });
      t.is(end.code, 126, end.stderr);
      t.is(end.stderr.split('\n').length, 2, end.stderr);
      t.true(end.stderr.startsWith(`everflame: error: cannot run ${name}: it is `), end.stderr);
      t.regex(end.stderr, said);
    }
  });
}

test.serial('a script without #! runs, also with bytes behind its first line', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'thing'), 'exit 4\n\0\0', { mode: 0o755 });
  t.is((await everflame(['run', './thing'], { cwd: folder, env })).code, 4);
});

test.serial(
  'a handler of the kernel for other kinds of files is known by its magic or its extension',
  (t) => {
    const head = elf(64, false, 183);
    const emulator = (state: string, machine: string) =>
      `${state}\ninterpreter /usr/bin/qemu\nflags: OCF\noffset 0\nmagic 7f454c460201010000000000000000000200${machine}\nmask ffffffffffffff00fffffffffffffffffeffffff\n`;
    t.true(handles(emulator('enabled', 'b700'), '/x/thing', head));
    t.false(handles(emulator('enabled', 'f300'), '/x/thing', head));
    t.false(handles(emulator('disabled', 'b700'), '/x/thing', head));
    t.true(handles('enabled\ninterpreter /usr/bin/jexec\nflags:\nextension .jar\n', '/x/a.jar', head));
    t.false(handles('enabled\ninterpreter /usr/bin/jexec\nflags:\nextension .jar\n', '/x/a.war', head));
  },
);

for (const words of [
  ['--', '--output', 'foo'],
  ['--rate', '99', '--', '--output', 'foo'],
  ['--preiod', '9', '--', '--output', 'foo'],
]) {
  test.serial(`${words.join(' ')}: behind "--" is the program, whatever it is called`, async (t) => {
    const end = await everflame(['run', ...words], { cwd: temporaryFolder(t) });
    t.is(end.code, 127, end.stderr);
    t.regex(end.stderr, /everflame: error: no such program: --output\. Check the name and PATH\.\n$/);
    t.false(end.stderr.includes('The option --output'), end.stderr);
  });
}

test.serial('a program without a word: usage, and no profile', async (t) => {
  const end = await everflame(['run']);
  t.is(end.code, 1);
  t.regex(end.stderr, /^everflame: error: missing required argument 'program'/);
});

test.serial('help for a command, and for one that there is not', async (t) => {
  const help = await everflame(['help', 'top']);
  t.deepEqual([help.code, help.stdout], [0, (await everflame(['top', '--help'])).stdout]);
  const none = await everflame(['help', 'stop']);
  t.deepEqual([none.code, none.stdout], [1, '']);
  t.regex(none.stderr, /^everflame: error: unknown command 'stop'\n/);
});

test.serial('the help says where profiles go without --output and --exporters', async (t) => {
  const help = (await everflame(['run', '--help'])).stdout.replace(/\s+/g, ' ');
  t.true(help.includes('profiles are sent, or written to files, while it runs and when it ends'), help);
  const output = /--output <dir> (.*?) --exporters <names>/.exec(help)?.[1] ?? '';
  t.regex(output, /a Datadog Agent of this machine gets them, and \.everflame where none answers\.$/);
  t.notRegex(output, /default:/);
  const exporters = /--exporters <names> (.*?) --period/.exec(help)?.[1] ?? '';
  t.regex(exporters, /\(default: .*`datadog` where an Agent answers, else `local`\)\.$/);
});

test.serial('the page that the help names is there, and npm packs it', async (t) => {
  const end = await everflame(['run', '--help']);
  const page = /^ {2}(\S.*\.md)$/m.exec(end.stdout)?.[1] ?? '';
  t.true(existsSync(page), end.stdout);
  const packed = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT });
  const [{ files }] = JSON.parse(packed.stdout) as [{ files: { path: string }[] }];
  t.true(
    files.some(({ path }) => join(ROOT, path) === page),
    page,
  );
});

for (const [what, apart] of [
  ['reaches the program once', []],
  ['reaches a program in a group of its own', ['timeout', '60']],
] as const) {
  test.serial(`a signal to the whole group ${what}`, async (t) => {
    const folder = temporaryFolder(t);
    const script = `let heard = 0;
      process.on('SIGTERM', () => {
        if (++heard === 1) setTimeout(() => { console.log('heard', heard); process.exit(3); }, 1500);
      });
      console.log('ready'); setInterval(() => {}, 1000);`;
    const words = [CLI, 'run', '--output', 'out', ...apart, process.execPath, '-e', script];
    // A session of its own, and so a group.
    const running = start('setsid', [process.execPath, ...words], { cwd: folder, env });
    await running.said('ready');
    process.kill(-(running.child.pid as number), 'SIGTERM');
    const end = await running.ended;
    // `timeout` sends what it gets to its group, itself included, and so once more to the program.
    t.regex(end.stdout, apart.length === 0 ? /^ready\nheard 1\n$/ : /^ready\nheard [12]\n$/);
  });
}

test.serial('the port of NODE_OPTIONS=--inspect is the program’s', async (t) => {
  const folder = temporaryFolder(t);
  const [port] = await freePorts(1);
  const script = "console.log(require('node:inspector').url())";
  const end = await everflame(['run', '--output', 'out', process.execPath, '-e', script], {
    cwd: folder,
    env: { ...env, NODE_OPTIONS: `--inspect=${port}` },
  });
  t.regex(end.stdout, new RegExp(`^ws://127\\.0\\.0\\.1:${port}/`), end.stderr);
});
