import { computed, effect, signal } from '@preact/signals';
import type { FrameKind } from '../api/tree.js';
import { kindColor } from '../graph/index.js';

export type Theme = 'light' | 'dark';

const KEY = 'everflame.theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const systemIsDark = signal(system.matches);
system.addEventListener('change', ({ matches }) => {
  systemIsDark.value = matches;
});

/** The reader's choice; without one, the system's holds. */
const chosen = signal<Theme | undefined>(remembered());

export const theme = computed<Theme>(() => chosen.value ?? (systemIsDark.value ? 'dark' : 'light'));

/** Takes the other theme. Choosing what the system has gives the choice back to it. */
export function switchTheme(): void {
  const other = theme.value === 'dark' ? 'light' : 'dark';
  chosen.value = (other === 'dark') === systemIsDark.value ? undefined : other;
  try {
    if (chosen.value) localStorage.setItem(KEY, chosen.value);
    else localStorage.removeItem(KEY);
  } catch {
    // A browser without storage keeps the choice as long as the page.
  }
}

function remembered(): Theme | undefined {
  try {
    const text = localStorage.getItem(KEY);
    return text === 'light' || text === 'dark' ? text : undefined;
  } catch {
    return undefined;
  }
}

const KINDS: readonly FrameKind[] = ['app', 'package', 'node', 'native', 'gc', 'group'];

effect(() => {
  const { dataset, style } = document.documentElement;
  dataset.theme = theme.value;
  // The marks in the tables have the colours of the graphs.
  for (const kind of KINDS) style.setProperty(`--frame-${kind}`, kindColor(theme.value, kind));
});
