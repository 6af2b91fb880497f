import { formatValue } from './value.js';

/** The least that three digits tell from nothing. */
const LEAST = 0.001;

/**
 * What a value is to the seconds in which it came together: CPU time as cores, other time as how many waited at once, else
 * so much a second.
 * @param seconds of the clock; 0 for none
 */
export function formatRate(value: number, unit: string, type: string, seconds: number): string {
  if (seconds <= 0) return '';
  const rate = value / seconds;
  if (unit !== 'nanoseconds') return `${formatValue(rate, unit)}/s`;
  const times = rate / 1e9;
  const of = type === 'cpu' ? 'cores' : 'at once';
  if (times === 0) return `0 ${of}`;
  if (times > 0 && times < LEAST) return `<${LEAST} ${of}`;
  const digits = times >= 9.995 ? times.toFixed(1) : times >= 0.0995 ? times.toFixed(2) : times.toFixed(3);
  return `${digits} ${of}`;
}
