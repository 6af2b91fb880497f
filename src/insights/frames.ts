import type { Frame, Test } from './stacks';

/** What frames of Node.js and V8 stand for, by names that profiles of Node.js 20 to 26 have. */

/** Loading a module: `require`, `import`, and all that Node.js does for it. */
export const isLoading: Test = ({ file }) => file.startsWith('node:internal/modules/');

/** The program's own code, or that of a package. */
export const isTheirs: Test = ({ kind }) => kind === 'app' || kind === 'package';

/** JavaScript, or what V8 runs for it without leaving it. `(native)` stands for frames that were not recorded. */
export const isScript: Test = ({ kind, file, called }) =>
  kind === 'app' || kind === 'package' || (kind === 'node' && (file !== '' || !called.startsWith('(')));

export const isCollecting: Test = ({ kind, called }) => kind === 'gc' || called === 'Garbage Collection';

/** A function of V8 itself, of those that native frames name. */
export const isNamedV8: Test = ({ kind, called }) => kind === 'native' && called.startsWith('v8::internal::');

const LOGGERS: ReadonlySet<string> = new Set([
  '@logtail/node',
  'bole',
  'bunyan',
  'consola',
  'debug',
  'log4js',
  'loglevel',
  'logform',
  'morgan',
  'npmlog',
  'pino',
  'pino-http',
  'pino-pretty',
  'roarr',
  'signale',
  'sonic-boom',
  'thread-stream',
  'tracer',
  'tslog',
  'winston',
  'winston-transport',
]);

/** Writing a log: the console, and packages that do nothing else. */
export const isLogging: Test = ({ file, package: name, called }) =>
  file.startsWith('node:internal/console/') || LOGGERS.has(name) || called.endsWith('::InspectorConsoleCall');

/** Whether the name is a pattern that a regular expression runs. */
export const isPattern: Test = ({ name, file }) => file === '' && name.startsWith('RegExp: ');

export function isOf(frame: Frame, ...files: string[]): boolean {
  return files.some((file) => (file.endsWith('/') ? frame.file.startsWith(file) : frame.file === file));
}
