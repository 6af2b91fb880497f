/**
 * Whether the page has its data inside. Then it is a file, and what it shows stands behind the # of its address; of a collector's page it
 * is the query.
 */
export const isReport = document.getElementById('everflame-samples') !== null;

/** The query string that says what is shown. */
export function readPlace(): string {
  return isReport ? location.hash.slice(1) : location.search;
}

/** @param how `push` makes a step that the back button takes back */
export function writePlace(query: string, how: 'push' | 'replace'): void {
  const address = isReport ? `#${query}` : query === '' ? location.pathname : `?${query}`;
  try {
    if (how === 'push') history.pushState(null, '', address);
    else history.replaceState(null, '', address);
  } catch (error) {
    // A viewer of files may show a report in a frame that has no address of its own: then it has no back button.
    if (!isReport) throw error;
  }
}
