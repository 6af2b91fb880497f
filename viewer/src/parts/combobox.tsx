import type { JSX, RefObject } from 'preact';
import { useId, useState } from 'preact/hooks';
import type { Suggestion } from '../state/suggest.js';

interface Props {
  label: string;
  placeholder: string;
  field: RefObject<HTMLInputElement | null>;
  suggest(text: string): Suggestion[];
  /** Right of a suggestion, such as a share. */
  note(suggestion: Suggestion): string;
  /** Takes a text; returns what is left in the field, to be gone on with. */
  onTake(text: string): string;
  /** The erase key in an empty field. */
  onErase(): void;
}

/** A field with suggestions, as ARIA's combobox with a list. */
export function Combobox({ label, placeholder, field, suggest, note, onTake, onErase }: Props): JSX.Element {
  const id = useId();
  const [text, setText] = useState('');
  const [isOpen, setIsOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const suggestions = isOpen ? suggest(text) : [];
  const type = (typed: string) => {
    setText(typed);
    setActive(-1);
    setIsOpen(true);
  };
  const take = (taken: string) => {
    const left = onTake(taken);
    setText(left);
    setActive(-1);
    setIsOpen(left !== '');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const last = suggestions.length - 1;
    if (event.key === 'ArrowDown') {
      setIsOpen(true);
      setActive(active >= last ? 0 : active + 1);
    } else if (event.key === 'ArrowUp') setActive(active <= 0 ? last : active - 1);
    else if (event.key === 'Enter') take(suggestions[active]?.text ?? text);
    else if (event.key === 'Tab' && active >= 0) take((suggestions[active] as Suggestion).text);
    else if (event.key === 'Escape' && (isOpen || text !== '')) {
      if (isOpen) setIsOpen(false);
      else setText('');
      event.stopPropagation();
    } else if (event.key === 'Backspace' && text === '') onErase();
    else return;
    if (event.key !== 'Backspace') event.preventDefault();
  };
  return (
    <div class="combobox">
      <input
        ref={field}
        type="text"
        role="combobox"
        aria-label={label}
        aria-expanded={suggestions.length > 0}
        aria-controls={`${id}list`}
        aria-autocomplete="list"
        aria-activedescendant={active >= 0 ? `${id}${active}` : undefined}
        autocomplete="off"
        spellcheck={false}
        placeholder={placeholder}
        value={text}
        onInput={({ currentTarget }) => type(currentTarget.value)}
        onFocus={() => setIsOpen(true)}
        onBlur={() => setIsOpen(false)}
        onKeyDown={onKeyDown}
      />
      <div
        class="suggestions"
        role="listbox"
        id={`${id}list`}
        aria-label={label}
        hidden={suggestions.length === 0}
      >
        {suggestions.map((suggestion, index) => (
          <div
            key={suggestion.text}
            id={`${id}${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === active}
            ref={(element) => {
              if (index === active) element?.scrollIntoView({ block: 'nearest' });
            }}
            onMouseDown={(event) => {
              // Not a click: the field would lose the focus before, and with it this list.
              event.preventDefault();
              take(suggestion.text);
            }}
          >
            <span class="suggestion-text">{suggestion.text}</span>
            <span class="muted">{note(suggestion)}</span>
          </div>
        ))}
      </div>
    </div>
  );
}
