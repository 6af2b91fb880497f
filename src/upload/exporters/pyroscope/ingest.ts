import type { SeriesLabel } from './labels';

/** Below the server's address: of Pyroscope before version 1, and kept since. */
export const INGEST_PATH = '/ingest';

/**
 * The query of an ingest request whose body is a profile: the name `app{label=value,…}`, whose parts cannot be escaped, and
 * the period in seconds since the epoch.
 */
export function ingestQuery(labels: readonly SeriesLabel[], start: bigint, end: bigint): string {
  const [service = ''] = labels.filter(([name]) => name === 'service_name').map(([, value]) => value);
  const application = service.replace(/[^A-Za-z0-9_./-]/g, '_') || 'unknown_service';
  // `service_name` stays among them: as a label it may have characters that the application's name may not.
  const rest = labels
    .filter(([name]) => name !== '__name__' && name !== 'pyroscope_spy')
    .map(([name, value]) => `${name}=${unescapable(value)}`);
  return new URLSearchParams({
    name: `${application}{${rest.join(',')}}`,
    from: String(start / 1_000_000_000n),
    until: String((end + 999_999_999n) / 1_000_000_000n),
    format: 'pprof',
    spyName: 'nodespy',
  }).toString();
}

/** A value ends at a comma or a brace; spaces around it are cut off, so a line's end would be lost within it. */
function unescapable(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these have no place in a name.
  return value.replace(/[,{}=\u0000-\u001f\u007f]/g, '_');
}
