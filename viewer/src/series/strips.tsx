import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import 'uplot/dist/uPlot.min.css';
import type { ValueType } from '../api/answers.js';
import { typeName } from '../format/names.js';
import { change, view } from '../state/page.js';
import { report } from '../state/report.js';
import { service, valueType } from '../state/services.js';
import { FURTHER_STRIPS, type FurtherStrip, USUAL_STRIPS } from '../state/view.js';
import { collectorStrip, furtherTitle, metricStrip } from './further-strips.js';
import { Strip, type StripData } from './strip.js';
import { askMetrics, askSeries, useSteps } from './use-steps.js';
import { ValueStrip } from './value-strip.js';

/** A strip below the first. */
type Below = { name: string; data: StripData } | { name: string; type: ValueType };

/** The values over time, on top of everything that they filter. */
export function Strips(): JSX.Element | null {
  const shown = valueType.value;
  // Of what is no kind of value a report has nothing.
  const offered = report.value ? [] : FURTHER_STRIPS;
  const wanted = (view.value.strips ?? USUAL_STRIPS).filter(
    (name) => !furtherTitle(name) || offered.some((further) => further === name),
  );
  const { found: further, error } = useFurther(wanted);
  if (!shown) return null;
  const types = service.value?.types ?? [];
  const below = wanted
    .filter((name) => name !== shown.name)
    .flatMap((name): Below[] => {
      const data = further.get(name);
      if (data) return [{ name, data }];
      // What is called as a further strip is none, also where a kind of value has its name.
      return furtherTitle(name)
        ? []
        : types.filter((type) => type.name === name).map((type) => ({ name, type }));
    });
  const isThere = (name: string) => name === shown.name || below.some((strip) => strip.name === name);
  const show = (strips: readonly string[] | undefined) => change({ strips });
  const others = [
    ...offered
      .filter((name) => !isThere(name) && !wanted.includes(name))
      .map((name) => ({
        name,
        title: furtherTitle(name) as string,
      })),
    ...types.filter(({ name }) => !isThere(name)).map(({ name }) => ({ name, title: typeName(name) })),
  ];
  return (
    <section class="strips" aria-label="Values over time">
      <ValueStrip key={`type ${shown.name}`} type={shown} isLast={below.length === 0} onRemove={undefined} />
      {below.map((strip, index) => {
        const isLast = index === below.length - 1;
        const onRemove = () => show(wanted.filter((name) => name !== strip.name));
        return 'type' in strip ? (
          <ValueStrip key={`type ${strip.name}`} type={strip.type} isLast={isLast} onRemove={onRemove} />
        ) : (
          <Strip key={strip.name} {...strip.data} isLast={isLast} isLow onRemove={onRemove} />
        );
      })}
      {error && <p class="bad strip-error">{error.message}</p>}
      <div class="strip-choice">
        {others.length > 0 && (
          <select
            aria-label="Add a strip"
            value=""
            onChange={({ currentTarget }) => show([...wanted, currentTarget.value])}
          >
            <option value="">+ strip</option>
            {others.map(({ name, title }) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        )}
        {(below.length > 0 || view.value.strips?.length === 0) && (
          <button
            type="button"
            aria-expanded={below.length > 0}
            onClick={() => show(below.length > 0 ? [] : undefined)}
          >
            {below.length > 0 ? 'one strip' : 'all strips'}
          </button>
        )}
      </div>
    </section>
  );
}

/** Those of the strips wanted that are no kind of value, and of which there is something to show. */
function useFurther(wanted: readonly string[]): {
  found: ReadonlyMap<string, StripData>;
  error: Error | undefined;
} {
  const known = service.value;
  const isWanted = (name: FurtherStrip) => wanted.includes(name);
  const metrics = useSteps(
    'metrics',
    FURTHER_STRIPS.some((name) => name !== 'gc-cpu' && isWanted(name)) ? {} : undefined,
    askMetrics,
  );
  const hasCpu = known?.types.some(({ name, unit }) => name === 'cpu' && unit === 'nanoseconds');
  const kinds = useSteps(
    'series',
    hasCpu && isWanted('gc-cpu') ? { type: 'cpu', by: 'kind' } : undefined,
    askSeries,
  );
  const found = useMemo(() => {
    const found = new Map<string, StripData>();
    const put = (name: FurtherStrip, data: StripData | undefined) => {
      if (data && isWanted(name)) found.set(name, data);
    };
    for (const name of FURTHER_STRIPS) {
      if (name === 'gc-cpu') put(name, kinds.answer && known && collectorStrip(kinds.answer, known));
      else put(name, metrics.answer && metricStrip(name, metrics.answer));
    }
    return found;
  }, [metrics.answer, kinds.answer, known?.from, known?.to, wanted.join()]);
  return { found, error: metrics.error ?? kinds.error };
}
