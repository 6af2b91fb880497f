/** The parameters that say which samples are meant; see docs/api.md. */
export interface Selection {
  service: string;
  /** Milliseconds since the epoch. */
  from: number;
  to: number;
  type?: string | undefined;
  /** `key:value` or `!key:value`. */
  where: readonly string[];
}

/** Writes a selection as a query string, with further parameters behind it. Those that are undefined are left out. */
export function selectionQuery(
  { service, from, to, type, where }: Selection,
  more: Readonly<Record<string, string | number | undefined>> = {},
): string {
  const query = new URLSearchParams({ service, from: String(from), to: String(to) });
  if (type !== undefined) query.set('type', type);
  for (const condition of where) query.append('where', condition);
  for (const [name, value] of Object.entries(more)) if (value !== undefined) query.set(name, String(value));
  return query.toString();
}
