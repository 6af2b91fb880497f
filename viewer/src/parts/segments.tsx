import type { JSX } from 'preact';

interface Props<Value extends string> {
  label: string;
  value: Value | undefined;
  /** One that is disabled can be reached, so that its title says why, and not chosen. */
  options: readonly { value: Value; text: string; title?: string; disabled?: boolean }[];
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
  const choose = (option: Props<Value>['options'][number] | undefined) => {
    if (option && !option.disabled) onChange(option.value);
  };
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = (Math.max(checked, 0) + step + options.length) % options.length;
    choose(options[next]);
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
          aria-disabled={option.disabled}
          title={option.title}
          onClick={() => choose(option)}
        >
          {option.text}
        </button>
      ))}
    </div>
  );
}
