import { readFileSync } from 'node:fs';
import test from 'ava';
import { runEnvironment } from '#src/cli/run-environment.js';
import { configurationPage } from '#src/config/page.js';
import { type ProfilerOptions, resolveConfiguration } from '#src/config/resolve.js';
import { resolveDelivery } from '#src/config/resolve-delivery.js';
import { type Setting, settingNames, settings } from '#src/config/settings.js';

const options = settingNames.filter((name) => settings[name].option);

/** A good value that is not the default, as text. */
function otherValue(setting: Setting): string {
  switch (setting.type) {
    case 'boolean':
      return String(!setting.default);
    case 'choice':
      return setting.choices.find((choice) => choice !== setting.default) ?? '';
    case 'text':
      return '/somewhere/else';
    case 'list':
      return setting.choices[0] ?? '';
    default:
      return String(setting.minimum + 1);
  }
}

function typed(setting: Setting, text: string): unknown {
  if (setting.type === 'boolean') return text === 'true';
  if (setting.type === 'list') return [text];
  return setting.type === 'choice' || setting.type === 'text' ? text : Number(text);
}

test('nothing set gives every default and no warning', (t) => {
  const { configuration, warnings } = resolveConfiguration(undefined, {});
  for (const name of settingNames) t.is(configuration[name], settings[name].default, name);
  t.deepEqual(warnings, []);
});

test('the defaults are within the ranges they belong to', (t) => {
  const environment: NodeJS.ProcessEnv = {};
  for (const name of settingNames) {
    const setting: Setting = settings[name];
    if (setting.default !== undefined) environment[setting.env[0] as string] = String(setting.default);
  }
  const { configuration, warnings } = resolveConfiguration({}, environment);
  for (const name of settingNames) t.is(configuration[name], settings[name].default, name);
  t.deepEqual(warnings, []);
});

test('the environment wins over the default, by each of its names', (t) => {
  for (const name of settingNames) {
    const setting: Setting = settings[name];
    const text = otherValue(setting);
    for (const variable of setting.env) {
      const { configuration, warnings } = resolveConfiguration({}, { [variable]: text });
      t.deepEqual(configuration[name], typed(setting, text) as never, variable);
      t.deepEqual(warnings, [], variable);
    }
  }
});

test('where one of two names has a value that cannot be used, the other holds', (t) => {
  const { configuration, warnings } = resolveConfiguration(
    {},
    { DD_PROFILING_UPLOAD_INTERVAL: 'bad', DD_PROFILING_UPLOAD_PERIOD: '10' },
  );
  t.is(configuration.period, 10);
  t.deepEqual(warnings.length, 1);
  t.regex(warnings[0] as string, /; 10 is used instead\.$/);
});

test('an option in code wins over the environment', (t) => {
  for (const name of options) {
    const setting: Setting = settings[name];
    const text = otherValue(setting);
    const environment = {
      [setting.env[0] as string]:
        setting.type === 'text' ? '/env' : setting.type === 'list' ? 'local' : String(setting.default),
    };
    const { configuration, warnings } = resolveConfiguration({ [name]: typed(setting, text) }, environment);
    t.deepEqual(configuration[name], typed(setting, text) as never, name);
    t.deepEqual(warnings, [], name);
  }
});

test('an empty variable counts as not set', (t) => {
  for (const name of settingNames) {
    const [variable] = settings[name].env;
    const { configuration, warnings } = resolveConfiguration({}, { [variable as string]: '' });
    t.is(configuration[name], settings[name].default, name);
    t.deepEqual(warnings, []);
  }
});

for (const bad of ['0', '-1', 'NaN', '1e9', 'Infinity', '0x10', 'fast', '99 Hz']) {
  test(`the rate ${bad} is refused with the range that is allowed`, (t) => {
    const { configuration, warnings } = resolveConfiguration({}, { EVERFLAME_RATE: bad });
    t.is(configuration.rate, 99);
    t.deepEqual(warnings, [
      `EVERFLAME_RATE is "${bad}", but it must be a number of hertz from 1 to 10000; 99 is used instead.`,
    ]);
  });
}

for (const bad of [0, -1, Number.NaN, 1e9, Number.POSITIVE_INFINITY, null, {}, '']) {
  test(`the rate ${JSON.stringify(bad)} (${typeof bad} ${bad}) in code is refused the same way`, (t) => {
    const { configuration, warnings } = resolveConfiguration({ rate: bad }, {});
    t.is(configuration.rate, 99);
    t.is(warnings.length, 1);
    t.regex(warnings[0] ?? '', /^The option "rate" is .*from 1 to 10000; 99 is used instead\.$/);
  });
}

test('a bad option in code gives way to the environment, and the warning says to what', (t) => {
  const output = resolveConfiguration({ output: '' }, { DD_PROFILING_OUTPUT_PPROF: '/from/environment' });
  t.is(output.configuration.output, '/from/environment');
  t.deepEqual(output.warnings, [
    'The option "output" is "", but it must be a path; /from/environment is used instead.',
  ]);
  const unset = resolveConfiguration({ output: '' }, {});
  t.is(unset.configuration.output, undefined);
  t.deepEqual(unset.warnings, ['The option "output" is "", but it must be a path; it is left unset.']);
  const rate = resolveConfiguration({ rate: 0 }, { EVERFLAME_RATE: '250' });
  t.is(rate.configuration.rate, 250);
  t.regex(rate.warnings.join(), /^The option "rate" is 0, .*; 250 is used instead\.$/);
  const both = resolveConfiguration({ rate: 0 }, { EVERFLAME_RATE: '-1' });
  t.is(both.configuration.rate, 99);
  t.is(both.warnings.length, 2);
  t.true(both.warnings.every((warning) => warning.endsWith('; 99 is used instead.')));
});

test('both ends of a range are allowed, what lies beyond is not', (t) => {
  for (const name of settingNames) {
    const setting: Setting = settings[name];
    if (!('minimum' in setting)) continue;
    const read = (value: number) => resolveConfiguration({ [name]: value }, {});
    for (const bound of [setting.minimum, setting.maximum])
      t.is(read(bound).configuration[name], bound as never, name);
    // What has no number below it that is closer than 1 is 0.
    const step = setting.type === 'number' && setting.minimum > 0 ? setting.minimum / 2 : 1;
    t.is(read(setting.minimum - step).warnings.length, 1, name);
    t.is(read(setting.maximum + 1).warnings.length, 1, name);
  }
});

test('frames beyond the range are brought back to it', (t) => {
  const frames = (text: string) => resolveConfiguration({}, { DD_PROFILING_MAX_FRAMES: text });
  for (const text of ['600', '601', '10000']) {
    t.is(frames(text).configuration.maxFrames, 599);
    t.regex(frames(text).warnings[0] ?? '', /599 is used instead/);
  }
  t.is(frames('512').configuration.maxFrames, 512);
  t.is(frames('0').configuration.maxFrames, 1);
  t.is(frames('12.5').configuration.maxFrames, settings.maxFrames.default);
});

test('sizes may be written with a unit', (t) => {
  const cap = (text: string) =>
    resolveConfiguration({}, { EVERFLAME_MEMORY_CAP: text }).configuration.memoryCap;
  for (const text of ['16M', '16m', '16MB', '16MiB', '16 M', String(16 * 1024 * 1024), '16384K']) {
    t.is(cap(text), 16 * 1024 * 1024, text);
  }
  t.is(cap('1.5G'), 1.5 * 1024 ** 3);
  for (const text of ['16T', 'M', '-16M', '1M']) t.is(cap(text), settings.memoryCap.default, text);
  const { warnings } = resolveConfiguration({}, { EVERFLAME_MEMORY_CAP: '1M' });
  t.deepEqual(warnings, [
    'EVERFLAME_MEMORY_CAP is "1M", but it must be a number of bytes from 8M to 2G, such as 64M; 64M is used instead.',
  ]);
});

test('the URL of an Agent has a host or the path of a socket', (t) => {
  const urlOf = (url: string) => resolveDelivery({}, { DD_TRACE_AGENT_URL: url }).configuration.url;
  for (const url of ['http://agent', 'unix:///a', 'unix:/a', 'UNIX:///run/a.socket', 'unix:////a'])
    t.is(urlOf(url), url);
  for (const url of [
    'unix:',
    'unix:/',
    'unix://',
    'unix:///',
    'unix:////',
    'http://',
    'agent:8126',
    'ftp://a',
  ]) {
    t.is(urlOf(url), undefined, url);
  }
});

test('a host that is none is refused, so that the Agent is looked for as without it', (t) => {
  const hostOf = (host: string) => resolveDelivery({}, { DD_AGENT_HOST: host });
  for (const host of [
    'agent',
    '10.0.0.7',
    '::1',
    '[::1]',
    'agent.default.svc.cluster.local',
    'bücher.example',
  ]) {
    t.deepEqual([hostOf(host).configuration.agentHost, hostOf(host).warnings], [host, []]);
  }
  for (const host of ['256.256.256.256', 'a:b:c', '[::1', '127.0.0.1:8126', 'http://agent', 'a b']) {
    t.is(hostOf(host).configuration.agentHost, undefined, host);
    t.regex(
      hostOf(host).warnings.join(),
      /^DD_AGENT_HOST is .* the name or address of a host; it is left unset\.$/,
    );
  }
});

test('of a long value a warning shows the beginning', (t) => {
  const { warnings } = resolveConfiguration(
    {},
    { EVERFLAME_RATE: '9'.repeat(65_536), EVERFLAME_ENGINE: 'x\ny' },
  );
  t.deepEqual(warnings, [
    `EVERFLAME_RATE is "${'9'.repeat(60)}…", but it must be a number of hertz from 1 to 10000; 99 is used instead.`,
    'EVERFLAME_ENGINE is "x_y", but it must be one of auto, perf, ctimer, tick, itimer, inspector; auto is used instead.',
  ]);
});

test('an unknown option is reported once with the nearest name', (t) => {
  const { warnings } = resolveConfiguration({ Timelnie: true }, {});
  t.deepEqual(warnings, ['The option "Timelnie" is not known and is ignored. Did you mean "timeline"?']);
  const far = resolveConfiguration({ colour: 'red' }, {});
  t.is(far.warnings.length, 1);
  for (const name of options) t.true(far.warnings[0]?.includes(name), name);
});

test('options that are no object are reported, not thrown', (t) => {
  for (const bad of ['fast', 7, true, [], [{ rate: 5 }]]) {
    const { configuration, warnings } = resolveConfiguration(bad, {});
    t.is(configuration.rate, 99);
    t.is(warnings.length, 1);
    t.regex(warnings[0] ?? '', /must be an object/);
  }
  t.deepEqual(resolveConfiguration([], {}).warnings, [
    'The options of a Profiler must be an object, not an array; they are ignored.',
  ]);
});

test('options that throw when they are read are reported, not thrown, and the others hold', (t) => {
  const thrower = (): never => {
    throw new Error('of the program');
  };
  const some = Object.defineProperty({ period: 7 }, 'rate', { enumerable: true, get: thrower });
  const one = resolveConfiguration(some, {});
  t.deepEqual([one.configuration.period, one.configuration.rate], [7, 99]);
  t.deepEqual(one.options, { period: 7 });
  t.deepEqual(one.warnings, [
    'The option "rate" cannot be read and is ignored. Give its value in a plain object.',
  ]);
  const all = resolveConfiguration(new Proxy({}, { ownKeys: thrower }), {});
  t.deepEqual(all.warnings, [
    'The options of a Profiler cannot be read and are ignored. Give a plain object.',
  ]);
  const listed = resolveConfiguration({ exporters: [{ toString: thrower }] }, {});
  t.is(listed.configuration.exporters, undefined);
  t.regex(listed.warnings[0] ?? '', /^The option "exporters" is an array, but it must be some of datadog/);
});

test('a logger that is none is reported, and lines go to standard error', (t) => {
  const method = (): void => undefined;
  const whole = { error: method, warn: method, info: method, debug: method };
  class Inheriting {
    error = method;
    warn = method;
    info(): void {}
    debug(): void {}
  }
  for (const logger of [whole, new Inheriting(), Object.assign(() => undefined, whole), console]) {
    const { options, warnings } = resolveConfiguration({ logger }, {});
    t.is(options.logger, logger as never);
    t.deepEqual(warnings, []);
  }
  const thrower = Object.defineProperty({ ...whole }, 'warn', {
    get: () => {
      throw new Error('of the program');
    },
  });
  for (const logger of ['console', 7, {}, { info: method }, { ...whole, warn: 'loud' }, thrower]) {
    const { options, warnings } = resolveConfiguration({ logger }, {});
    t.is(options.logger, undefined);
    t.deepEqual(warnings, [
      'The option "logger" must be an object with the methods error, warn, info and debug, as console is; lines go to standard error instead.',
    ]);
  }
  t.deepEqual(resolveConfiguration({ logger: undefined }, {}).warnings, []);
  t.deepEqual(resolveConfiguration({ logger: null }, {}).warnings, []);
});

test('the options of the caller are not changed', (t) => {
  const given: ProfilerOptions = Object.freeze({ rate: 250 });
  t.is(resolveConfiguration(given, {}).configuration.rate, 250);
});

test('docs/configuration.md is what the table of settings says; "npm run docs" writes it', (t) => {
  t.is(readFileSync('docs/configuration.md', 'utf8'), configurationPage());
});

test('the list of profilers of the reference is understood', (t) => {
  const resolve = (list: string, environment = {}, options = {}) => {
    const { configuration, warnings } = resolveConfiguration(options, {
      DD_PROFILING_PROFILERS: list,
      ...environment,
    });
    const { wall, cpu } = configuration;
    return { wall, cpu, warnings };
  };
  const on = { wall: true, cpu: true, warnings: [] };
  for (const list of ['', ' ', 'wall', 'cpu', ' Wall , CPU,']) t.deepEqual(resolve(list), on, list);
  const warnings = [
    'DD_PROFILING_PROFILERS names space, but memory is not profiled yet. Leave it out: DD_PROFILING_PROFILERS=wall.',
  ];
  t.deepEqual(resolve('space,wall'), { ...on, warnings });
  t.deepEqual(resolve('space'), { wall: false, cpu: false, warnings });
  t.deepEqual(resolve('wall', { DD_PROFILING_CPU_ENABLED: 'false' }), { ...on, cpu: false });
  // As there, a switch of its own wins.
  t.deepEqual(resolve('space', { DD_PROFILING_WALLTIME_ENABLED: 'true' }), { ...on, warnings });
  t.deepEqual(resolve('wall', { DD_PROFILING_WALLTIME_ENABLED: 'false' }), { ...on, wall: false });
  t.deepEqual(resolve('space', { DD_PROFILING_CPU_ENABLED: '1' }), { wall: false, cpu: true, warnings });
  t.deepEqual(resolve('space', {}, { wall: true }), { ...on, warnings });
  t.deepEqual(resolve('wal'), {
    ...on,
    warnings: ['DD_PROFILING_PROFILERS has "wal", but it must be some of wall, cpu, space; it is left out.'],
  });
});

test('old names of the reference are read, and the present ones win', (t) => {
  const resolve = (environment: Record<string, string>) =>
    resolveConfiguration({}, environment).configuration;
  const switches = [
    ['enabled', 'DD_EXPERIMENTAL_PROFILING_ENABLED', 'DD_PROFILING_ENABLED'],
    ['timeline', 'DD_PROFILING_EXPERIMENTAL_TIMELINE_ENABLED', 'DD_PROFILING_TIMELINE_ENABLED'],
    ['cpu', 'DD_PROFILING_EXPERIMENTAL_CPU_ENABLED', 'DD_PROFILING_CPU_ENABLED'],
  ] as const;
  for (const [name, old, present] of switches) {
    t.false(resolve({ [old]: 'false' })[name], old);
    t.true(resolve({ [old]: 'false', [present]: 'true' })[name], old);
    t.false(resolve({ [old]: 'true', [present]: 'false' })[name], old);
  }
  // The switch of CPU time alone says more than the one of both.
  t.true(resolve({ DD_PROFILING_EXPERIMENTAL_CPU_ENABLED: 'true', DD_PROFILING_STACK_ENABLED: 'false' }).cpu);
  const key = (environment: Record<string, string>) => resolveDelivery({}, environment).configuration.apiKey;
  t.is(key({ DD_PROFILING_API_KEY: 'old' }), 'old');
  t.is(key({ DD_PROFILING_API_KEY: 'old', DD_API_KEY: 'present' }), 'present');
});

test('two names of a setting with different values are a warning that says which is used', (t) => {
  const said = (environment: Record<string, string>) => [
    ...resolveConfiguration({}, environment).warnings,
    ...resolveDelivery({}, environment).warnings,
  ];
  const differ = (used: string, other: string) => [
    `${used} and ${other} are set to different values; ${used} is used. Unset one of the two.`,
  ];
  t.deepEqual(
    said({ EVERFLAME_EXPORTERS: 'local', DD_PROFILING_EXPORTERS: 'agent' }),
    differ('EVERFLAME_EXPORTERS', 'DD_PROFILING_EXPORTERS'),
  );
  t.deepEqual(
    said({ DD_PROFILING_ENABLED: 'auto', DD_EXPERIMENTAL_PROFILING_ENABLED: '0' }),
    differ('DD_PROFILING_ENABLED', 'DD_EXPERIMENTAL_PROFILING_ENABLED'),
  );
  t.deepEqual(
    said({ DD_API_KEY: 'a', DD_PROFILING_API_KEY: 'b' }),
    differ('DD_API_KEY', 'DD_PROFILING_API_KEY'),
  );
  // What is said of a value that cannot be used is enough.
  t.is(said({ DD_PROFILING_UPLOAD_INTERVAL: 'x', DD_PROFILING_UPLOAD_PERIOD: '5' }).length, 1);
  for (const agreeing of [
    { EVERFLAME_EXPORTERS: 'datadog', DD_PROFILING_EXPORTERS: 'agent' },
    { DD_PROFILING_UPLOAD_INTERVAL: '60', DD_PROFILING_UPLOAD_PERIOD: '60.0' },
    {
      DD_PROFILING_CPU_ENABLED: 'true',
      DD_PROFILING_STACK_ENABLED: 'false',
      DD_PROFILING_WALLTIME_ENABLED: '1',
    },
    { OTEL_EXPORTER_OTLP_PROFILES_HEADERS: 'a=b', OTEL_EXPORTER_OTLP_HEADERS: 'c=d' },
    { PYROSCOPE_ADHOC_SERVER_ADDRESS: 'http://a', PYROSCOPE_SERVER_ADDRESS: 'http://b' },
  ]) {
    t.deepEqual(said(agreeing), [], JSON.stringify(agreeing));
  }
});

test('a flag of "everflame run" wins over each name of its setting without a word', (t) => {
  const { environment, warnings } = runEnvironment(
    { period: '5', cpu: false },
    {
      DD_PROFILING_UPLOAD_PERIOD: '65',
      DD_PROFILING_CPU_ENABLED: 'true',
      DD_PROFILING_STACK_ENABLED: 'true',
    },
  );
  const { configuration, warnings: said } = resolveConfiguration({}, environment);
  t.deepEqual([configuration.period, configuration.cpu, configuration.wall], [5, false, true]);
  t.deepEqual([...warnings, ...said], []);
});

test('the prefix of the reference is the output of its exporter of files, and of no other', (t) => {
  const resolve = (environment: Record<string, string>, options = {}) => {
    const { configuration, warnings } = resolveConfiguration(options, {
      DD_PROFILING_PPROF_PREFIX: '/srv/profiles/',
      ...environment,
    });
    return [configuration.output, warnings];
  };
  t.deepEqual(resolve({ DD_PROFILING_EXPORTERS: 'file' }), ['/srv/profiles/', []]);
  t.deepEqual(resolve({ DD_PROFILING_EXPORTERS: 'agent,file' }), ['/srv/profiles/', []]);
  t.deepEqual(resolve({}, { exporters: ['file'] }), ['/srv/profiles/', []]);
  const named = { DD_PROFILING_EXPORTERS: 'file', DD_PROFILING_OUTPUT_PPROF: '/named' };
  t.deepEqual(resolve(named), ['/named', []]);
  t.deepEqual(resolve({ DD_PROFILING_OUTPUT_PPROF: '/named' }), ['/named', []]);
  // Alone it takes nothing from an Agent, as there.
  const warning =
    'DD_PROFILING_PPROF_PREFIX has no effect, because "file" is not among the exporters. Set DD_PROFILING_EXPORTERS=file, or unset it.';
  t.deepEqual(resolve({}), [undefined, [warning]]);
  t.deepEqual(resolve({ DD_PROFILING_EXPORTERS: 'agent' }), [undefined, [warning]]);
  t.deepEqual(resolve({ DD_PROFILING_EXPORTERS: 'file', DD_PROFILING_PPROF_PREFIX: ' ' }), [
    undefined,
    ['DD_PROFILING_PPROF_PREFIX is " ", but it must be a path; it is left unset.'],
  ]);
});
