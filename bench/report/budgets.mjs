/**
 * The budgets that this run can judge. Each gives the measured figure and its limit, in the unit named, or nothing
 * where the run has no such section or variant. A floor is what the same figure is without a profiler. `seconds` is how
 * long each run was, and the period of the profilers in it.
 */
const RULES = [
  {
    what: 'CPU added per request of a busy service, at defaults',
    unit: '%',
    limit: () => 0.5,
    figure: (sections) => added(sections.service?.everflame?.cpuMicrosecondsPerRequest),
  },
  {
    what: 'CPU added, the least by its own clocks: its threads and the handler',
    unit: '%',
    limit: () => 0.5,
    figure: (sections) => sections.service?.everflame?.ownClocksPercent?.median,
  },
  {
    what: 'CPU added, against a third of what @datadog/pprof adds in the same run',
    unit: '%',
    limit: (sections) => third(added(sections.service?.datadog?.cpuMicrosecondsPerRequest)),
    figure: (sections) => added(sections.service?.everflame?.cpuMicrosecondsPerRequest),
  },
  {
    what: 'memory added on a busy service',
    unit: 'MB',
    limit: () => 15,
    figure: (sections) => difference(sections.service, 'residentMegabytes'),
  },
  {
    what: 'compressed profile of 60 s of a busy service, the measured period scaled to it',
    unit: 'KB',
    limit: () => 200,
    // Too much where the period was shorter, since a stack is written once however often it is seen.
    figure: (sections, { seconds }) => scaled(sections.service?.everflame?.profileKilobytes, 60 / seconds),
  },
  {
    what: 'longest block of the event loop at the flush of a small profile, worst of all flushes',
    unit: 'ms',
    limit: () => 1,
    figure: (sections) => sections['pauses small']?.everflame?.blockMilliseconds.worst,
    floor: (sections) => sections['pauses small']?.none?.blockMilliseconds.worst,
  },
  {
    what: 'longest block of the event loop at the flush of a wide profile, worst of all flushes',
    unit: 'ms',
    limit: () => 1,
    figure: (sections) => sections['pauses wide']?.everflame?.blockMilliseconds.worst,
    floor: (sections) => sections['pauses wide']?.none?.blockMilliseconds.worst,
  },
  {
    what: 'time on the main thread at preload, empty program',
    unit: 'ms',
    limit: () => 25,
    figure: (sections) => sections.start?.everflame?.preloadMilliseconds.median,
  },
  {
    what: 'time on the main thread at preload, profiles uploaded',
    unit: 'ms',
    limit: () => 25,
    figure: (sections) => sections['delivery small']?.everflame?.preloadMilliseconds.median,
  },
  ...['small', 'wide'].flatMap((shape) => [
    {
      what: `longest block of the event loop around an upload of a ${shape} profile, worst of all uploads but the first`,
      unit: 'ms',
      limit: () => 1,
      figure: (sections) => sections[`delivery ${shape}`]?.everflame?.blockMilliseconds?.worst,
      floor: (sections) => sections[`delivery ${shape}`]?.none?.blockMilliseconds?.worst,
    },
    {
      what: `memory added, ${shape} profiles uploaded`,
      unit: 'MB',
      limit: () => 15,
      figure: (sections) => difference(sections[`delivery ${shape}`], 'residentMegabytes'),
    },
  ]),
  {
    what: 'wake-ups a second that an idle process has more',
    unit: '',
    limit: () => 1,
    figure: (sections) => difference(sections.idle, 'wakeUpsPerSecond'),
  },
  ...[99, 1000].flatMap((rate) => [
    {
      what: `half of the calls of the handler, 30 JavaScript frames, ${rate} Hz`,
      unit: 'µs',
      limit: () => 6,
      figure: (sections) => sections[`handler ${rate} Hz`]?.everflame?.handlerP50Microseconds?.median,
    },
    {
      what: `99 of a hundred calls of the handler, 30 JavaScript frames, ${rate} Hz`,
      unit: 'µs',
      limit: () => 30,
      figure: (sections) => sections[`handler ${rate} Hz`]?.everflame?.handlerP99Microseconds?.median,
    },
  ]),
  {
    what: 'binary of one platform',
    unit: 'MB',
    limit: () => 2.5,
    figure: (sections) => sections.install?.everflame?.binaryMegabytes?.median,
  },
  {
    what: 'whole install: package, binary and dependencies',
    unit: 'MB',
    limit: () => 6,
    figure: (sections) => sections.install?.everflame?.installMegabytes?.median,
  },
];

function scaled(summary, factor) {
  return summary === undefined ? undefined : summary.median * factor;
}

function added(summary) {
  return summary?.ratio === undefined ? undefined : (summary.ratio - 1) * 100;
}

function third(figure) {
  return figure === undefined ? undefined : figure / 3;
}

function difference(section, metric) {
  const [ours, without] = [section?.everflame?.[metric], section?.none?.[metric]];
  return ours === undefined || without === undefined ? undefined : ours.median - without.median;
}

/** Judges every budget for which this run, of so many seconds a variant, has the figures. */
export function judge(sections, options) {
  const verdicts = [];
  for (const { what, unit, limit, figure, floor } of RULES) {
    const measured = figure(sections, options);
    const allowed = limit(sections);
    if (measured === undefined || allowed === undefined) continue;
    verdicts.push({ what, unit, measured, allowed, floor: floor?.(sections), met: measured <= allowed });
  }
  return verdicts;
}
