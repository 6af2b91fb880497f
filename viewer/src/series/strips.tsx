import type { JSX } from 'preact';
import 'uplot/dist/uPlot.min.css';
import type { ValueType } from '../api/answers.js';
import { typeName } from '../format/names.js';
import { change, view } from '../state/page.js';
import { service, valueType } from '../state/services.js';
import { Strip } from './strip.js';

/** The values over time, on top of everything that they filter. */
export function Strips(): JSX.Element | null {
  const shown = valueType.value;
  if (!shown) return null;
  const { strips } = view.value;
  const types = service.value?.types ?? [];
  const further = strips
    .filter((name) => name !== shown.name)
    .flatMap((name): ValueType[] => types.filter((type) => type.name === name));
  const all = [shown, ...further];
  const others = types.filter((type) => !all.includes(type));
  return (
    <section class="strips" aria-label="Values over time">
      {all.map((type, index) => (
        <Strip
          key={type.name}
          type={type}
          isLast={index === all.length - 1}
          onRemove={
            index === 0 ? undefined : () => change({ strips: strips.filter((name) => name !== type.name) })
          }
        />
      ))}
      {others.length > 0 && (
        <select
          class="add-strip"
          aria-label="Add a strip"
          value=""
          onChange={({ currentTarget }) => change({ strips: [...strips, currentTarget.value] })}
        >
          <option value="">+ strip</option>
          {others.map(({ name }) => (
            <option key={name} value={name}>
              {typeName(name)}
            </option>
          ))}
        </select>
      )}
    </section>
  );
}
