import {
  CodeProvenance,
  type ProvenanceEntry,
  type ProvenanceOptions,
} from '#src/provenance/code-provenance.js';

/** The entries for some files of scripts. */
export function entriesFor(sources: string[], options?: ProvenanceOptions): ProvenanceEntry[] {
  const provenance = new CodeProvenance(options);
  provenance.add({ sources, modules: [] });
  return provenance.entries();
}

/** Each file with the entry that it is of, as `kind name@version`, where exactly one path is its beginning; else what is wrong. */
export function origins(files: string[], entries: ProvenanceEntry[]): Record<string, string> {
  return Object.fromEntries(files.map((file) => [file, originOf(file, entries)]));
}

export function originOf(file: string, entries: ProvenanceEntry[]): string {
  const fitting = entries.filter(({ paths }) => paths.some((path) => file.startsWith(path)));
  const [entry] = fitting;
  if (!entry) return 'none';
  if (fitting.length > 1) return `ambiguous: ${fitting.map(({ name }) => name).join(' and ')}`;
  return `${entry.kind || 'own'} ${entry.name}@${entry.version}`;
}
