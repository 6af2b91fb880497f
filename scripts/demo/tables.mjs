import { ROOT } from '../setup/commands.mjs';
import { fromDist } from '../setup/everflame.mjs';
import { SERVICE } from './bookshop.mjs';

/** What is printed: a grouping, its title, and how many rows. */
const TABLES = [
  ['function', 'function', 12],
  ['line', 'line', 5],
  ['thread name', 'thread', 6],
];
/** Names of C++ fill several lines; the end of a name says as much as its beginning. */
const NAME_WIDTH = 60;

/**
 * Where the CPU time of a run went, in tables for a terminal. It is what `everflame query table` answers, cut to what a reader looks
 * at first.
 */
export async function tablesOf(inbox, from) {
  const [{ query }, { alignColumns }, { formatShare, formatValue, shorten }] = await Promise.all(
    ['cli/query.js', 'cli/columns.js', 'cli/format.js'].map(fromDist),
  );
  const cut = (text) => shorten(text, NAME_WIDTH, NAME_WIDTH / 2);
  const table = async ([by, title, limit]) => {
    const selection = { inbox, service: SERVICE, type: 'cpu', from: String(from) };
    const { rows, total, unit } = JSON.parse(await query('table', { ...selection, by, limit, json: true }));
    // A thread is no frame: nothing runs below it.
    const figures = rows.every(({ kind }) => kind === 'group') ? ['total'] : ['self', 'total'];
    const places = rows.map(({ file, line }) => cut(placeOf(file, line)));
    const lines = alignColumns([
      ...figures.flatMap((name) => [
        { title: name, align: 'right', cells: rows.map((row) => formatValue(row[name], unit)) },
        { title: '', align: 'right', cells: rows.map((row) => formatShare(row[name], total)) },
      ]),
      { title, align: 'left', cells: rows.map(({ name }) => cut(name)) },
      ...(places.some(Boolean) ? [{ title: 'where', align: 'left', cells: places }] : []),
    ]);
    return [`CPU time by ${title}, of ${formatValue(total, unit)}:`, ...lines].join('\n');
  };
  const texts = [];
  for (const one of TABLES) texts.push(await table(one));
  return texts.join('\n\n');
}

/** A place from the checkout or from the package on. */
function placeOf(file, line) {
  const short = file.replace(/^.*\/node_modules\//, '').replace(ROOT, '');
  return short && line > 0 ? `${short}:${line}` : short;
}
