import { EverflameError } from '../../engine';

/**
 * Reads headers as OpenTelemetry has them in variables: `name=value,name=value`, percent-encoded. Throws an EverflameError where
 * that is something else; its message shows no value, as that may be a secret.
 */
export function parseHeaders(text: string): Record<string, string> {
  const pairs = text
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '');
  return Object.fromEntries(
    pairs.map((pair, index) => {
      const equals = pair.indexOf('=');
      const name = pair.slice(0, Math.max(equals, 0)).trim();
      if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw badHeader(index);
      try {
        return [name, decodeURIComponent(pair.slice(equals + 1).trim())];
      } catch {
        throw badHeader(index);
      }
    }),
  );
}

function badHeader(index: number): EverflameError {
  return new EverflameError(
    'BAD_HEADER',
    `header ${index + 1} of OTEL_EXPORTER_OTLP_HEADERS is not name=value with a percent-encoded value`,
  );
}
