import { parseArgs } from 'node:util';
import { Advice } from '../setup/commands.mjs';
import { VERSION } from './bookshop.mjs';

/** How long the check puts load on the service. */
const CHECK_SECONDS = 30;
const MOST_SECONDS = 86_400;
const MOST_PORT = 65_535;

export const HELP = `Usage: npm run demo [-- --seconds=N --port=N --version=NAME --no-open]
       npm run demo -- --check [--seconds=N --port=N]

Sets up whatever is missing, runs the example service under "everflame dev", puts steady load on it, and shows its profiles on a
page of this machine until Ctrl+C. The history stays in examples/getting-started/.everflame.

  --seconds   end by itself after so long; with --check how long the load is, ${CHECK_SECONDS}
  --port      where the page is: 7126 or, where that is taken, any that is free
  --version   the name of this version of the service, by which the page compares: ${VERSION}
  --no-open   do not open a browser
  --check     keep nothing and stay no longer than the load: see by itself whether the page shows the known problem, and
              end with exit code 0 or 1
  --help      show this text`;

function wholeNumber(name, text, least, most) {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw new Advice(`--${name} takes a whole number from ${least} to ${most}; this is "${text}".`);
}

/** A version is a tag of a profile: what could not be one is not taken for another. */
function versionName(text) {
  if (/^[\w.+-]{1,100}$/.test(text)) return text;
  throw new Advice(
    `--version takes up to 100 letters, digits and characters of ".+-_"; this is ${JSON.stringify(text)}.`,
  );
}

/**
 * The demo's options. `seconds` is undefined where only Ctrl+C ends it.
 * @throws {Advice} naming the option, the value and what is allowed
 */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string' },
      port: { type: 'string' },
      version: { type: 'string', default: VERSION },
      'no-open': { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { check: isCheck, help } = values;
  return {
    help,
    isCheck,
    open: !isCheck && !values['no-open'],
    seconds: wholeNumber('seconds', values.seconds, 1, MOST_SECONDS) ?? (isCheck ? CHECK_SECONDS : undefined),
    port: wholeNumber('port', values.port, 0, MOST_PORT),
    version: versionName(values.version),
  };
}
