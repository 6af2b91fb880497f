/** The quantile of a list of numbers, between neighbours by proportion. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)];
  return below + (sorted[Math.ceil(place)] - below) * (place - Math.floor(place));
}

export function median(values) {
  return quantile(values, 0.5);
}

/** The list begun at another place in each round, so that nobody always runs first. */
export function rotate(list, round) {
  const first = round % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}

/**
 * A metric of one variant over its rounds. The ratio is made within each round, against the run without a profiler
 * beside it, so that a machine that slows down over time does not count; the quartiles show how far rounds differ.
 */
export function summarise(values, baseline) {
  const summary = { median: median(values), values };
  if (baseline === undefined) return summary;
  const ratios = values.map((value, round) => value / baseline[round]).filter(Number.isFinite);
  if (ratios.length === 0) return summary;
  return {
    ...summary,
    ratio: median(ratios),
    ratioLow: quantile(ratios, 0.25),
    ratioHigh: quantile(ratios, 0.75),
  };
}

/**
 * Turns runs into a table: variant → metric → summary.
 * @param {Record<string, Record<string, number | number[] | undefined>[]>} runs variant → one result per round
 */
export function tabulate(runs) {
  const table = {};
  const column = (variant, metric) =>
    (runs[variant] ?? []).flatMap((run) => run[metric]).filter((value) => value !== undefined);
  for (const [variant, rounds] of Object.entries(runs)) {
    table[variant] = {};
    for (const metric of new Set(rounds.flatMap(Object.keys))) {
      const values = column(variant, metric);
      const baseline = column('none', metric);
      if (values.length === 0) continue;
      table[variant][metric] = summarise(
        values,
        variant === 'none' || baseline.length !== values.length ? undefined : baseline,
      );
      table[variant][metric].worst = Math.max(...values);
    }
  }
  return table;
}
