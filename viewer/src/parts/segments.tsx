import type { JSX } from 'preact';

interface Props<Value extends string> {
  label: string;
  value: Value | undefined;
  options: readonly { value: Value; text: string; title?: string }[];
  onChange(value: Value): void;
}

/** A choice of a few, all of them in sight: radio buttons in a row, moved over by the arrow keys. */
export function Segments<Value extends string>({
  label,
  value,
  options,
  onChange,
}: Props<Value>): JSX.Element {
  const checked = options.findIndex((option) => option.value === value);
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = (Math.max(checked, 0) + step + options.length) % options.length;
    onChange((options[next] as { value: Value }).value);
    ((event.currentTarget as HTMLElement).children[next] as HTMLElement).focus();
  };
  return (
    <div class="segments" role="radiogroup" aria-label={label} onKeyDown={move}>
      {options.map((option, index) => (
        <button
          key={option.value}
          type="button"
          role="radio"
          aria-checked={index === checked}
          tabIndex={index === Math.max(checked, 0) ? 0 : -1}
          title={option.title}
          onClick={() => onChange(option.value)}
        >
          {option.text}
        </button>
      ))}
    </div>
  );
}
