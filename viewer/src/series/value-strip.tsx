import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { ValueType } from '../api/answers.js';
import { typeName } from '../format/names.js';
import { service } from '../state/services.js';
import { formatLevel, levelsOf, levelUnit } from './levels.js';
import { Strip } from './strip.js';
import { askSeries, useSteps } from './use-steps.js';

interface Props {
  type: ValueType;
  isLast: boolean;
  onRemove: (() => void) | undefined;
}

/** One kind of value over the window of time. */
export function ValueStrip({ type, isLast, onRemove }: Props): JSX.Element {
  const { answer, error } = useSteps('series', { type: type.name }, askSeries);
  const known = service.value;
  const lines = useMemo(
    () => [{ name: '', values: answer && known ? levelsOf(answer, known) : [] }],
    [answer, known?.from, known?.to],
  );
  return (
    <Strip
      title={typeName(type.name)}
      from={answer?.from ?? 0}
      step={answer?.step ?? 1}
      lines={lines}
      unit={levelUnit(type.unit, type.name)}
      isBytes={type.unit === 'bytes'}
      format={(level) => formatLevel(level, type.unit, type.name)}
      error={error}
      isLast={isLast}
      isLow={false}
      onRemove={onRemove}
    />
  );
}
