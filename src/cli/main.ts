#!/usr/bin/env node
import { join } from 'node:path';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { COLLECTOR_PORT } from '../collector/port';
import { defaultHelp, flagHelp, settingHelp } from '../config/help';
import { flagText } from '../config/page';
import { type Setting, type SettingName, settingNames, settings } from '../config/settings';
import { allowedValues, formatSetting } from '../config/words';
import { EverflameError } from '../engine';
import { packageRoot, packageVersion } from '../package-root';
import { DEFAULT_ROWS, groupings } from '../profile/table';
import { DEV_EXPORTERS, devFlagHelp } from './dev-help';
import { DEV_PERIOD } from './dev-period';
import { diffFormats, diffGroupings, diffOrders, diffUnits } from './diff-choices';
import { QUESTIONS } from './questions';
import { withRanges } from './range-words';
import { withoutUnknownOptions } from './unknown-options';
import { visible } from './visible';

const INBOX = 'where applications leave profiles (default: .everflame in this folder)';
const STORE = 'where profiles are kept (default: store in the inbox)';
const KEEP = 'how long profiles are kept; sums of hours for 30 days (default: 24)';
const STORE_SIZE = 'what the store may have on disk (default: 256)';

const program = new Command('everflame')
  .description(
    'Continuous profiler for Node.js: where CPU time and waiting come from, by function, line and thread.',
  )
  .version(packageVersion())
  .enablePositionalOptions()
  .showHelpAfterError('Run "everflame --help" for the commands and their options.');

for (const command of [
  devCommand(),
  runCommand(),
  viewCommand(),
  queryCommand(),
  topCommand(),
  diffCommand(),
  flameCommand(),
  exportCommand(),
  doctorCommand(),
  helpCommand(),
])
  program.addCommand(command);
// Commander's errors begin with "error:".
for (const command of [program, ...program.commands]) {
  command.configureOutput({
    // Several lines, with words of the command line in them.
    outputError: (message, write) => write(`everflame: ${message.split('\n').map(visible).join('\n')}`),
  });
}

program.parseAsync(withRanges(process.argv)).catch((error: unknown) => {
  if (!(error instanceof EverflameError)) throw error;
  sayError(error.message);
  process.exitCode = 1;
});

/** Commander's own says nothing of a command that there is not. */
function helpCommand(): Command {
  return new Command('help')
    .description('display help for command')
    .argument('[command]')
    .helpOption(false)
    .action((name: string | undefined) => {
      const command = name === undefined ? program : program.commands.find((one) => one.name() === name);
      if (command) command.help();
      program.error(`error: unknown command '${name}'`);
    });
}

/** Not for `run`: the stream would make a pipe non-blocking that the program has in common with us. */
function print(text: string): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `everflame top | head` closes the pipe: that is no error.
    if (error.code === 'EPIPE') process.exit(0);
    sayError(`cannot write to standard output: ${error.message}`);
    // Whatever comes after would fail in the same way.
    process.exit(1);
  });
  process.stdout.write(`${text}\n`);
}

function sayError(message: string): void {
  process.stderr.write(`everflame: error: ${visible(message)}\n`);
}

function runCommand(): Command {
  const command = new Command('run')
    .description(
      'run a program under the profiler; profiles are sent, or written to files, while it runs and when it ends',
    )
    .usage('[options] [--] <program> [arguments...]')
    .argument('<program>', 'the program, such as node or npm')
    .argument('[arguments...]', 'its arguments, handed on as they are')
    .passThroughOptions()
    .allowUnknownOption()
    .addHelpText(
      'after',
      `
Examples:
  everflame run node app.js
  everflame run --output profiles --period 10 npm start

Every Node.js process and worker thread below the program is profiled. Standard input, signals and the exit
code are the program's own. Each option is also an environment variable:
  ${join(packageRoot, 'docs', 'configuration.md')}`,
    );
  addSettings(command);
  return command.action(async (first: string, rest: string[]) => {
    const { words, warnings } = withoutUnknownOptions(command, process.argv, [first, ...rest]);
    const [name, ...programArguments] = words;
    if (name === undefined) return command.error(`error: missing argument 'program'`);
    const { run } = require('./run') as typeof import('./run');
    await run(name, programArguments, settingFlags(command), warnings);
  });
}

/** One option for each setting that has a flag. `defaults` and `helps` are those that are others here. */
function addSettings(
  command: Command,
  defaults: Partial<Record<SettingName, string>> = {},
  helps = flagHelp,
): void {
  for (const name of settingNames) {
    const setting: Setting = settings[name];
    if (!setting.flag) continue;
    const inWords = defaults[name] ?? defaultHelp[name];
    const otherwise =
      inWords ?? (setting.default === undefined ? undefined : formatSetting(setting, setting.default));
    const fallback = otherwise === undefined ? '' : ` (default: ${otherwise})`;
    const allowed = setting.type === 'text' ? '' : ` Takes ${allowedValues(setting)}${fallback}.`;
    const help = helps[name] ?? `${settingHelp[name]}${setting.flag.argument ? allowed : ''}`;
    const option = new Option(
      flagText(setting),
      setting.flag.argument ? help : `Turn off: ${settingHelp[name]}`,
    );
    command.addOption(option);
  }
}

/** The flags that were given, by the names of the settings. */
function settingFlags(command: Command): Record<string, unknown> {
  const given = settingNames.filter((name) => command.getOptionValueSource(name) === 'cli');
  return Object.fromEntries(given.map((name) => [name, command.getOptionValue(name) as unknown]));
}

function devCommand(): Command {
  const command = new Command('dev')
    .description('run a program and show its profiles on a page of this machine while it runs')
    .usage('[options] [--] <program> [arguments...]')
    .argument('<program>', 'the program, such as node or npm')
    .argument('[arguments...]', 'its arguments, handed on as they are')
    .passThroughOptions()
    .allowUnknownOption()
    .option('--port <number>', `where the page is (default: ${COLLECTOR_PORT}, or any that is free)`, port)
    .option('--inbox <dir>', INBOX)
    .option('--store <dir>', STORE)
    .option('--keep <hours>', KEEP, positiveInteger)
    .option('--store-size <MiB>', STORE_SIZE, positiveInteger)
    .option('--exit', 'end with the program, and not with Ctrl+C')
    .option('--no-open', 'do not open a browser')
    .addHelpText(
      'after',
      `
Examples:
  everflame dev node app.js
  everflame dev --rate 999 -- npm start

The program runs as with "everflame run", but its profiles go to the page, one each second unless --period or
the environment says otherwise; with --output they are written to files as well. With EVERFLAME_TOKEN the page is shown to nobody
without that token. Ctrl+C ends the program and the page; the history stays, for "everflame view".`,
    );
  addSettings(command, { period: DEV_PERIOD, exporters: DEV_EXPORTERS }, devFlagHelp);
  return command.action(async (first: string, rest: string[], options: import('./dev').DevOptions) => {
    const { words, warnings } = withoutUnknownOptions(command, process.argv, [first, ...rest]);
    const [name, ...programArguments] = words;
    if (name === undefined) return command.error(`error: missing argument 'program'`);
    const { dev } = require('./dev') as typeof import('./dev');
    await dev(name, programArguments, settingFlags(command), warnings, options);
  });
}

function viewCommand(): Command {
  return new Command('view')
    .description('collect profiles, keep them, and show them on a page of this machine')
    .usage('[options] [file...]')
    .argument(
      '[file...]',
      'profiles to show instead of what is collected: pprof, .cpuprofile, .heapprofile, speedscope JSON, collapsed stacks',
    )
    .option('--port <number>', 'where it listens; 0 for any that is free', port, COLLECTOR_PORT)
    .option(
      '--host <address>',
      'on which address; beyond this machine everybody must show a token',
      'localhost',
    )
    .option(
      '--name <host>',
      'a name beside localhost by which it is asked, such as host.docker.internal; may be repeated',
      hostNames,
    )
    .option(
      '--token <text>',
      'a token that everybody must show; EVERFLAME_TOKEN holds one that no list of processes shows (default: none on this machine, else a random one)',
    )
    .option('--socket <path>', 'a Unix socket on which it listens too')
    .option(
      '--source',
      'show source files that profiles name to everybody who may ask (default: to this user, on this machine)',
    )
    .option('--inbox <dir>', INBOX)
    .option('--store <dir>', STORE)
    .option('--keep <hours>', KEEP, positiveInteger)
    .option('--store-size <MiB>', STORE_SIZE, positiveInteger)
    .option('--no-open', 'do not open a browser')
    .addHelpText(
      'after',
      `
Examples:
  everflame view
  everflame view profiles/*.pprof
  node --cpu-prof app.js && everflame view CPU.*.cpuprofile
  DD_TRACE_AGENT_URL=http://127.0.0.1:${COLLECTOR_PORT} everflame run node app.js

It takes what is sent to a Datadog Agent, to Pyroscope and to an OTLP receiver for profiles. Questions are answered over
HTTP as well: ${join(packageRoot, 'docs', 'api.md')}`,
    )
    .action(async (files: string[], options: import('./view').ViewOptions) => {
      const { view } = require('./view') as typeof import('./view');
      await view(files, options);
    });
}

function queryCommand(): Command {
  const command = new Command('query')
    .description('ask what is in the store: where the time went, loops and memory, what slows it down')
    .addArgument(new Argument('<question>', 'what is asked for').choices(QUESTIONS));
  addSelection(command);
  return command
    .option(
      '--by <key>',
      'what a row or a line is: function, line, file, package, or the key of a label or tag; of a series also kind; of metrics a tag or thread',
    )
    .option('--step <seconds>', 'of a series and of metrics: what is one point', positiveInteger)
    .option('--limit <rows>', 'how many rows to print (default: 30)', positiveInteger)
    .option('--json', 'print JSON: times in milliseconds, values in the unit of the type')
    .addHelpText(
      'after',
      `
Examples:
  everflame query services
  everflame query table --service shop --last 15m --by package
  everflame query table --where "thread name:Main Event Loop" --type wall
  everflame query series --by "trace endpoint" --step 60 --json
  everflame query insights --service shop --last 1h
  everflame query series --by kind --from 1h
  everflame query metrics --from 5m --step 10

It may be asked while everflame view or everflame dev runs.`,
    )
    .action(async (question: import('./questions').Question, options: import('./query').QueryOptions) => {
      const { query } = require('./query') as typeof import('./query');
      print(await query(question, options));
    });
}

/** The options that say which samples of which store are meant. */
function addSelection(command: Command): void {
  command
    .option('--service <name>', 'which service (default: the only one)')
    .option(
      '--from <time>',
      'from when on: 15m, 6h, 2d for so long ago, or a date (default: all that is kept)',
    )
    .option('--to <time>', 'until when, in the same forms (default: now)')
    .option('--last <time>', 'the last 15m, 6h or 2d, in place of --from and --to')
    .option('--type <name>', 'values to add up: cpu, wall or another (default: the first that there is)')
    .option(
      '--where <key:value>',
      'of samples and processes with this label or tag; !key:value for all others; may be repeated',
      all,
    )
    .option('--inbox <dir>', INBOX)
    .option('--store <dir>', STORE);
}

function topCommand(): Command {
  const command = new Command('top')
    .description('print where the time went: of files added together, or without a file of what is kept')
    .argument('[file...]', 'profiles (*.pprof) to read in place of the store')
    .option(
      '--by <grouping>',
      `what a row is: ${groupings.join(', ')}; of the store also the key of a label or tag`,
      'function',
    );
  addSelection(command);
  return command
    .option(
      '--limit <rows>',
      `how many rows to print (default: ${DEFAULT_ROWS}, in JSON all)`,
      positiveInteger,
    )
    .option('--json', 'print JSON, values in the unit of the type')
    .addHelpText(
      'after',
      `
Examples:
  everflame top --last 5m
  everflame top --service shop --by package --where "version:1.2"
  everflame top profiles/*.pprof

The store may be asked while everflame view or everflame dev runs.`,
    )
    .action(async (files: string[], options: import('./top').TopOptions) => {
      const { top } = require('./top') as typeof import('./top');
      print(await top(files, options, process.stdout.columns));
    });
}

function diffCommand(): Command {
  const command = new Command('diff')
    .description('print what changed from one profile, time or version to another')
    .argument(
      '<a>',
      'before: a profile or a folder of them, a range of time such as 2h..1h, or a tag or label such as version:1.2',
    )
    .argument('<b>', 'after, in the same forms')
    .addOption(new Option('--by <grouping>', 'what a row is').choices(diffGroupings).default('function'))
    .addOption(new Option('--sort <figure>', 'by which change').choices(diffOrders).default('self'))
    .option(
      '--limit <rows>',
      `how many rows to print (default: ${DEFAULT_ROWS}, in JSON all)`,
      positiveInteger,
    )
    .addOption(new Option('--format <format>', 'how to print it (default: text)').choices(diffFormats))
    .option('--json', 'the same as --format json: values in the unit of the type')
    .addOption(
      new Option(
        '--per <unit>',
        'compare what came together in a second, or for a request (default: second)',
      ).choices(diffUnits),
    )
    .option('--no-normalize', 'do not scale A: compare sums as they are');
  addSelection(command);
  return command
    .addHelpText(
      'after',
      `
Examples:
  everflame diff before.pprof after.pprof
  everflame diff 2h..1h 1h.. --service shop
  everflame diff version:1.1 version:1.2 --last 6h --by package
  everflame diff 2h..1h 1h.. --per request
  everflame diff main/ branch/ --format markdown >> "$GITHUB_STEP_SUMMARY"

A is scaled to the time that B's profiles cover, so that twice the profiles do not look like twice the work; with --per request
to the requests that came meanwhile, where the clients of both have counted them. Options of the selection are for both sides,
where these are of the store. A range may also be written -2h..-1h.`,
    )
    .action(async (a: string, b: string, options: import('./diff').DiffOptions) => {
      const { diff } = require('./diff') as typeof import('./diff');
      print(await diff(a, b, options, process.stdout.columns));
    });
}

/** The file to write; `-` is standard output, as for other programs of a pipe. */
function outputOption(help: string): Option {
  return new Option('-o, --output <file>', `${help}; - is standard output`).argParser((file) =>
    file === '-' ? '/dev/stdout' : file,
  );
}

function flameCommand(): Command {
  return new Command('flame')
    .description('draw a flame graph as one SVG file, files added together')
    .argument('<file...>', 'profiles (*.pprof)')
    .addOption(outputOption('the file to write').default('flame.svg'))
    .option(
      '--type <name>',
      `values to draw: cpu, wall, sample or another of the files (default: the first of these that all files have)`,
    )
    .option('--thread <name>', 'one thread only, such as "Main Event Loop"')
    .action((files: string[], options: import('./flame').FlameOptions) => {
      const { flame } = require('./flame') as typeof import('./flame');
      const { isStandardOutput } = require('./write-output') as typeof import('./write-output');
      const done = flame(files, options);
      if (isStandardOutput(options.output)) process.stderr.write(`${done}\n`);
      else print(done);
    });
}

function exportCommand(): Command {
  const forms = ['--html', '--pprof', '--collapsed', '--speedscope'];
  const form = (flag: string, help: string): Option =>
    new Option(flag, help).conflicts(forms.filter((other) => other !== flag).map((other) => other.slice(2)));
  const command = new Command('export')
    .description('write profiles to one file: a report that shows itself, or what other tools read')
    .usage('[options] [file...]')
    .argument(
      '[file...]',
      'profiles of any kind that everflame view takes, added together (default: what is in the store)',
    )
    .addOption(form('--html', 'a page with its data inside, which needs no network (the default)'))
    .addOption(form('--pprof', 'pprof, compressed with gzip'))
    .addOption(
      form('--collapsed', 'collapsed stacks of one kind of value, for scripts that draw flame graphs'),
    )
    .addOption(form('--speedscope', "speedscope's own form"))
    .addOption(
      outputOption(
        'the file to write (default: report.html, profile.pb.gz, profile.collapsed.txt or profile.speedscope.json)',
      ),
    );
  addSelection(command);
  return command
    .option('--strip', 'leave out folders of files, and put numbers in place of values of labels and tags')
    .addHelpText(
      'after',
      `
Examples:
  everflame export --html --service shop --last 15m -o shop.html
  everflame export --html --strip profiles/*.pprof
  everflame export --pprof CPU.20261122.101500.4242.0.001.cpuprofile
  everflame export --speedscope --where "trace endpoint:GET /cart"

Paths, names of endpoints and other labels are private. What a file holds is said when it is made.`,
    )
    .action(async (files: string[], options: import('./export').ExportOptions) => {
      const { exportProfiles } = require('./export') as typeof import('./export');
      const { isStandardOutput } = require('./write-output') as typeof import('./write-output');
      const done = await exportProfiles(files, options);
      if (isStandardOutput(options.output ?? '')) process.stderr.write(`${done}\n`);
      else print(done);
    });
}

function doctorCommand(): Command {
  return new Command('doctor')
    .description('find out why profiles do not arrive: engine, settings, receivers, folders')
    .usage('[options] [--] [program] [arguments...]')
    .argument('[program]', 'the program whose start is looked at, such as node; it is not run')
    .argument('[arguments...]', 'its arguments')
    .option('--json', 'print JSON with everything that was found')
    .passThroughOptions()
    .addHelpText(
      'after',
      `
Examples:
  everflame doctor
  everflame doctor -- node --no-addons app.js
  DD_TRACE_AGENT_URL=http://agent:8126 everflame doctor --json

Run it where the program runs, as the same user and with the same environment. Each receiver is asked for three
seconds at most; no profile and no key is sent. The exit code is 0 when profiles can arrive, else 1.`,
    )
    .action(async (first: string | undefined, rest: string[], options: import('./doctor').DoctorOptions) => {
      const { doctor } = require('./doctor') as typeof import('./doctor');
      const { text, ok } = await doctor(first === undefined ? [] : [first, ...rest], options);
      print(text);
      if (!ok) process.exitCode = 1;
    });
}

/** Of an option that may be repeated. */
function all(text: string, before: string[] = []): string[] {
  return [...before, text];
}

function hostNames(text: string, before: string[] | undefined): string[] {
  if (!/^[\w.-]+$/.test(text))
    throw new InvalidArgumentError('It must be a name of a host, without scheme and port.');
  return all(text, before);
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535) throw new InvalidArgumentError('It must be from 0 to 65535.');
  return value;
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return value;
}
