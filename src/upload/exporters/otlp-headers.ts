/** Headers as they can be sent, and one sentence for each that cannot. */
export interface ParsedHeaders {
  headers: Record<string, string>;
  warnings: string[];
}

/** RFC 9110, section 5: a name is a token, and a value has no line's end. */
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** They say how the request itself is sent: another value in one of them breaks each request. */
const OF_THE_REQUEST: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Reads headers as OpenTelemetry has them in variables: `name=value,name=value`, percent-encoded. What is something else is left
 * out; its warning shows no value, as that may be a secret.
 */
export function parseHeaders(text: string): ParsedHeaders {
  const headers: Record<string, string> = {};
  const warnings: string[] = [];
  const pairs = text
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '');
  for (const [index, pair] of pairs.entries()) {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, Math.max(equals, 0)).trim();
    const value = decoded(pair.slice(equals + 1).trim());
    if (!NAME.test(name) || value === undefined) {
      warnings.push(
        `header ${index + 1} of OTEL_EXPORTER_OTLP_HEADERS is not name=value with a percent-encoded value, and is left out. Write a space as %20.`,
      );
    } else if (OF_THE_REQUEST.has(name.toLowerCase())) {
      warnings.push(
        `OTEL_EXPORTER_OTLP_HEADERS has ${name.toLowerCase()}, which says how a request is sent, and is left out. Take it out of the list.`,
      );
    } else headers[name] = value;
  }
  return { headers, warnings };
}

function decoded(text: string): string | undefined {
  try {
    const value = decodeURIComponent(text);
    return VALUE.test(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
