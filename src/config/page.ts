import { type DeliverySettingName, deliverySettingNames, deliverySettings } from './delivery-settings';
import { defaultHelp, settingHelp } from './help';
import { EFFECTS, referenceVariables } from './reference-variables';
import { type Setting, type SettingName, settingNames, settings } from './settings';
import { allowedValues, formatSetting } from './words';

/** docs/configuration.md, made from the table of settings. */
export function configurationPage(): string {
  const row = (name: SettingName | DeliverySettingName, setting: Setting): string => {
    const cells = [
      setting.env.map(code).join(' or '),
      setting.option ? code(name) : '',
      setting.flag ? code(flagText(setting)) : '',
      allowedValues(setting),
      defaultHelp[name] ??
        (setting.default === undefined ? 'not set' : code(formatSetting(setting, setting.default))),
      settingHelp[name],
    ];
    return `| ${cells.join(' | ')} |`;
  };
  const rows = settingNames.map((name) => row(name, settings[name]));
  const deliveryRows = deliverySettingNames.map((name) => row(name, deliverySettings[name]));
  const otherRows = referenceVariables.map(
    ({ variable, effect, text }) => `| ${code(variable)} | ${EFFECTS[effect]} | ${withCode(text)} |`,
  );
  return `${INTRODUCTION}
## Profiling

${HEAD}
${rows.join('\n')}

## Delivery

${HEAD}
${deliveryRows.join('\n')}

${NOTES}
${OTHERS}
| variable | effect | why, or what to set |
|---|---|---|
${otherRows.join('\n')}
`;
}

/** The flag of \`everflame run\` as it is typed; one that is on by default has only its negative form. */
export function flagText(setting: Setting): string {
  if (!setting.flag) return '';
  const { name, argument } = setting.flag;
  return argument ? `--${name} <${argument}>` : `--no-${name}`;
}

const HEAD = `| variable | option in code | flag of \`run\` | takes | default | meaning |
|---|---|---|---|---|---|`;

function code(text: string): string {
  return `\`${text}\``;
}

/** A sentence with the names of variables in it as code. */
function withCode(text: string): string {
  return text.replace(/(?<!`)\b_?(DD|EVERFLAME)_[A-Z_]+(=\w+)?/g, code);
}

const OTHERS = `## Variables of Datadog's profilers that are no setting here

They may stay set; only those that are \`read as there\` change anything. \`everflame doctor\` lists those that are set. Old names of
settings stand beside the present ones above.
`;

const INTRODUCTION = `<!-- Made by "npm run docs" from the tables and texts in src/config; change them there. -->
# Settings

An option in code wins over the environment, and the environment over the default. Of several variables in a row the first
that is set wins; a warning says so where another one says something different. A flag of \`everflame run\`
is handed to the program in the environment. An empty variable counts as not set.

A value that cannot be used never stops the program: one warning names it, says what is allowed and what is
used instead: what would hold without it. An option that does not exist is reported with the nearest name that does.
One option is in no table: [\`logger\`](cli.md#options).
`;

const NOTES = `## Notes

* \`true\`, \`1\`, \`yes\`, \`on\` and \`auto\` switch on; \`false\`, \`0\`, \`no\` and \`off\` switch off.
* No profile is ever written over another: the process number and a counter are in the name, and where the name is
  taken, as by a container with the same process number and the same folder, it is the next one that is free. A file
  appears under its name when it is complete.
* \`.everflame/\`, where profiles go when nothing says where and no Agent answers, is made in the working directory (where
  that cannot be written, or has a name that is not UTF-8, in the directory for temporary files). Files in it are removed after 24 hours, and the oldest
  first when they are more than 256 MiB together; what a killed process left half-written, after an hour. That is done
  after each profile written and where a process ends without a signal. Profiles under another name are never cleaned up, so choose
  one: \`--output .everflame\` is that very folder.
* With \`EVERFLAME_ENGINE=inspector\`, and where the native sampler cannot run, only JavaScript threads are
  profiled, by V8's own profiler. What that costs and misses is in [cli.md](cli.md#the-inspector-engine).
* Why \`DD_PROFILING_MAX_FRAMES\` is not 64, as in other runtimes: a Node.js stack carries the event loop's
  native frames at its root and a framework's middleware above them. Cut at 64, the roots of ordinary requests
  would be lost and their flame graph would fall to pieces. A frame that is not there costs nothing.
`;
