import { Advice } from '../setup/commands.mjs';

const LIMIT_MILLISECONDS = 10_000;

/** The JSON that the collector's API answers to a question, as docs/api.md has it. */
export async function ask(page, path, parameters) {
  const url = new URL(`/api/v1/${path}`, page);
  url.search = new URLSearchParams(parameters).toString();
  const response = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MILLISECONDS) });
  if (response.ok) return response.json();
  throw new Advice(`The collector answers ${url.pathname} with ${response.status}: ${await response.text()}`);
}
