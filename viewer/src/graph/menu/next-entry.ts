/** The entry that a key leads to; undefined where the key leads to none. */
export function nextEntry(key: string, now: number, texts: string[]): number | undefined {
  const { length } = texts;
  if (key === 'ArrowDown') return (now + 1) % length;
  if (key === 'ArrowUp') return (Math.max(0, now) + length - 1) % length;
  if (key === 'Home') return 0;
  if (key === 'End') return length - 1;
  if (key.length !== 1 || key === ' ') return undefined;
  const wanted = key.toLowerCase();
  for (let step = 1; step <= length; step++) {
    const entry = (now + step + length) % length;
    if (texts[entry]?.toLowerCase().startsWith(wanted)) return entry;
  }
  return undefined;
}
