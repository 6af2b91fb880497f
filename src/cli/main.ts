#!/usr/bin/env node
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { defaultHelp, flagHelp, settingHelp } from '../config/help';
import { flagText } from '../config/page';
import { type Setting, settingNames, settings } from '../config/settings';
import { allowedValues, formatSetting } from '../config/words';
import { EverflameError } from '../engine';
import { packageRoot, packageVersion } from '../package-root';
import { DEFAULT_ROWS, groupings } from '../profile/table';
import { withoutUnknownOptions } from './unknown-options';
import { visible } from './visible';

const program = new Command('everflame')
  .description(
    'Continuous profiler for Node.js: where CPU time and waiting come from, by function, line and thread.',
  )
  .version(packageVersion())
  .enablePositionalOptions()
  .showHelpAfterError('Run "everflame --help" for the commands and their options.');

for (const command of [runCommand(), topCommand(), flameCommand(), doctorCommand(), helpCommand()])
  program.addCommand(command);
// Commander's errors begin with "error:".
for (const command of [program, ...program.commands]) {
  command.configureOutput({
    // Several lines, with words of the command line in them.
    outputError: (message, write) => write(`everflame: ${message.split('\n').map(visible).join('\n')}`),
  });
}

program.parseAsync().catch((error: unknown) => {
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
  for (const name of settingNames) {
    const setting: Setting = settings[name];
    if (!setting.flag) continue;
    const inWords = defaultHelp[name];
    const otherwise =
      inWords ?? (setting.default === undefined ? undefined : formatSetting(setting, setting.default));
    const fallback = otherwise === undefined ? '' : ` (default: ${otherwise})`;
    const allowed = setting.type === 'text' ? '' : ` Takes ${allowedValues(setting)}${fallback}.`;
    const help = flagHelp[name] ?? `${settingHelp[name]}${setting.flag.argument ? allowed : ''}`;
    const option = new Option(
      flagText(setting),
      setting.flag.argument ? help : `Turn off: ${settingHelp[name]}`,
    );
    command.addOption(option);
  }
  return command.action(async (first: string, rest: string[]) => {
    const { words, warnings } = withoutUnknownOptions(command, process.argv, [first, ...rest]);
    const [name, ...programArguments] = words;
    if (name === undefined) return command.error(`error: missing argument 'program'`);
    const { run } = require('./run') as typeof import('./run');
    await run(name, programArguments, settingFlags(command), warnings);
  });
}

/** The flags that were given, by the names of the settings. */
function settingFlags(command: Command): Record<string, unknown> {
  const given = settingNames.filter((name) => command.getOptionValueSource(name) === 'cli');
  return Object.fromEntries(given.map((name) => [name, command.getOptionValue(name) as unknown]));
}

function topCommand(): Command {
  return new Command('top')
    .description('print where the time went, files added together')
    .argument('<file...>', 'profiles (*.pprof)')
    .addOption(new Option('--by <grouping>', 'what a row is').choices(groupings).default('function'))
    .option(
      '--type <name>',
      `values to add up: cpu, wall, sample or another of the files (default: the first of these that all files have)`,
    )
    .option(
      '--limit <rows>',
      `how many rows to print (default: ${DEFAULT_ROWS}, in JSON all)`,
      positiveInteger,
    )
    .option('--json', 'print JSON, values in the unit of the file')
    .action((files: string[], options: import('./top').TopOptions) => {
      const { top } = require('./top') as typeof import('./top');
      print(top(files, options, process.stdout.columns));
    });
}

function flameCommand(): Command {
  return new Command('flame')
    .description('draw a flame graph as one SVG file, files added together')
    .argument('<file...>', 'profiles (*.pprof)')
    .option('-o, --output <file>', 'the file to write', 'flame.svg')
    .option(
      '--type <name>',
      `values to draw: cpu, wall, sample or another of the files (default: the first of these that all files have)`,
    )
    .option('--thread <name>', 'one thread only, such as "Main Event Loop"')
    .action((files: string[], options: import('./flame').FlameOptions) => {
      const { flame, isSameFile } = require('./flame') as typeof import('./flame');
      const done = flame(files, options);
      if (isSameFile(options.output, '/dev/stdout')) process.stderr.write(`${done}\n`);
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

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return value;
}
