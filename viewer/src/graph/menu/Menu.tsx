import { useLayoutEffect } from 'preact/hooks';
import { usePlace } from '../use-place.js';
import { nextEntry } from './next-entry.js';

export interface MenuItem {
  text: string;
  run: () => void;
  /** A line is drawn above. */
  apart?: boolean;
}

export interface MenuProps {
  label: string;
  items: MenuItem[];
  at: { clientX: number; clientY: number };
  /** The menu is to go; what had the focus before gets it back. */
  onClose: () => void;
}

/** A menu as WAI-ARIA has it: the focus moves with the arrows, Home, End and first letters; Escape, Tab and a press elsewhere close it. */
export function Menu({ label, items, at, onClose }: MenuProps) {
  const { box: list, style, placed } = usePlace(at, items.length);
  const entries = (): HTMLElement[] =>
    Array.from(list.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? []);

  // An element that is not shown takes no focus.
  useLayoutEffect(() => {
    if (placed) entries()[0]?.focus();
  }, [placed]);

  useLayoutEffect(() => {
    const press = (event: PointerEvent): void => {
      if (!list.current?.contains(event.target as Node)) onClose();
    };
    document.addEventListener('pointerdown', press, true);
    return () => document.removeEventListener('pointerdown', press, true);
  }, [onClose]);

  const keyDown = (event: KeyboardEvent): void => {
    const all = entries();
    const now = all.indexOf(document.activeElement as HTMLElement);
    const next = nextEntry(
      event.key,
      now,
      all.map((entry) => entry.textContent ?? ''),
    );
    if (event.key === 'Escape' || event.key === 'Tab') onClose();
    else if (next !== undefined) all[next]?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div
      class="graph-menu"
      role="menu"
      tabIndex={-1}
      aria-label={label}
      ref={list}
      style={style}
      onKeyDown={keyDown}
      onContextMenu={(event) => event.preventDefault()}
    >
      {items.map(({ text, run, apart }) => (
        <button
          key={text}
          type="button"
          role="menuitem"
          tabIndex={-1}
          class={apart ? 'graph-menu-apart' : ''}
          onClick={() => {
            onClose();
            run();
          }}
          onPointerEnter={(event) => event.currentTarget.focus()}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
