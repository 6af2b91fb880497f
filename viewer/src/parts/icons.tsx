import type { JSX } from 'preact';

const PATHS = {
  add: 'M8 3v10M3 8h10',
  close: 'M4 4l8 8M12 4l-8 8',
  download: 'M8 2v8M4.5 7L8 10.5 11.5 7M3 13.5h10',
  filter: 'M2.5 3.5h11M4.5 8h7M6.5 12.5h3',
  help: 'M5.8 6a2.2 2.2 0 1 1 3.3 2c-.7.4-1.1.9-1.1 1.7M8 12.4v.1',
  moon: 'M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z',
  narrow: 'M2.5 8h4M13.5 8h-4M4.5 5.5L7 8l-2.5 2.5M11.5 5.5L9 8l2.5 2.5',
  open: 'M2 13V3h4l1.5 2H13v2M2 13h10.5L15 7H4.5z',
  refresh: 'M13 8a5 5 0 1 1-1.5-3.6M13 2.5v3h-3',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.6 10.6L14 14',
  sun: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1.5v1.5M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1 1M11.6 11.6l1 1M3.4 12.6l1-1M11.6 4.4l1-1',
} as const;

/** A picture beside or in place of a text that says the same. */
export function Icon({ name }: { name: keyof typeof PATHS }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path
        d={PATHS[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.5"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}

/** The mark of the page: the same as its icon. */
export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="22" height="22" aria-hidden="true" focusable="false">
      <rect x="3" y="23" width="26" height="6" rx="1.5" fill="#c2410c" />
      <rect x="6" y="16" width="19" height="6" rx="1.5" fill="#ea580c" />
      <rect x="9" y="9" width="11" height="6" rx="1.5" fill="#f59e0b" />
      <rect x="12" y="2" width="5" height="6" rx="1.5" fill="#fcd34d" />
    </svg>
  );
}
