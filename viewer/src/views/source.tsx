import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Lines, Source, Table } from '../api/answers.js';
import { askJson } from '../api/client.js';
import { selectionQuery } from '../api/selection.js';
import { formatInstant } from '../format/time.js';
import { formatExact, formatValue } from '../format/value.js';
import { SearchField } from '../parts/search-field.js';
import { Answer, Notice } from '../parts/status.js';
import { rowsOf } from '../source/lines.js';
import { pathInRepository, repositoryLink } from '../source/repository.js';
import { SourceTable } from '../source/source-table.js';
import { useCommit } from '../source/use-commit.js';
import { change, shownSpan, view } from '../state/page.js';
import { selection, service } from '../state/services.js';
import { showSource } from '../state/source.js';
import { useAnswer } from '../state/use-answer.js';
import { useSelected, useTable } from '../state/use-selected.js';
import { hasSource } from './function-bar.js';
import { FunctionTable } from './function-table.js';

const askLines = (question: string, signal: AbortSignal) => askJson<Lines>(question, signal);
const askSource = (question: string, signal: AbortSignal) => askJson<Source>(question, signal);

/** What each line of a file costs, beside the list of files. */
export function SourceView(): JSX.Element {
  const answered = useTable('file');
  return (
    <Answer answered={answered} isEmpty={({ rows }) => rows.length === 0}>
      {(table) => <Files table={table} />}
    </Answer>
  );
}

function Files({ table: { rows, ...table } }: { table: Table }): JSX.Element {
  const files = useMemo(() => ({ ...table, rows: rows.filter(hasSource) }), [rows]);
  const { source, of } = view.value;
  const known = of && files.rows.find(({ file }) => file === of.file);
  const most = files.rows.find(({ kind }) => kind === 'app') ?? files.rows[0];
  const file = source?.file ?? (known ?? most)?.file;
  return (
    <div class="beside">
      <div class="beside-table">
        <div class="toolbar">
          <SearchField placeholder="Filter files" />
        </div>
        <FunctionTable
          table={files}
          isNarrow
          files={{ chosen: file, onChoose: (chosen) => showSource(chosen, 0) }}
        />
      </div>
      {file === undefined ? (
        <Notice title="No file has samples in this range">
          <p>Frames of native code alone have no lines. Choose a longer range, or another type of value.</p>
        </Notice>
      ) : (
        <File key={file} file={file} files={files.rows.map((row) => row.file)} />
      )}
    </div>
  );
}

function File({ file, files }: { file: string; files: readonly string[] }): JSX.Element {
  const lines = useSelected('lines', { file }, askLines);
  // Once for a file: its text does not follow the present as the figures do.
  const hasFigures = (lines.answer?.lines.length ?? 0) > 0;
  const question = useMemo(() => {
    const shown = selection.peek();
    return shown && hasFigures ? `source?${selectionQuery(shown, { file })}` : undefined;
  }, [hasFigures, file]);
  const source = useAnswer(question, `source ${file}`, askSource);
  return (
    <div class="source-file">
      <Answer answered={lines} isEmpty={() => false}>
        {(figures) => (
          <Read file={file} files={files} lines={figures} source={source.answer} error={source.error} />
        )}
      </Answer>
    </div>
  );
}

interface ReadProps {
  file: string;
  files: readonly string[];
  lines: Lines;
  /** Undefined until it is there. */
  source: Source | undefined;
  error: Error | undefined;
}

function Read({ file, files, lines, source, error }: ReadProps): JSX.Element {
  const commit = useCommit();
  const text = source?.text ?? null;
  const rows = useMemo(() => rowsOf(text, lines.lines), [text, lines]);
  const path = source?.repositoryPath ?? pathInRepository(file, files);
  const linkOf = (line: number) =>
    commit && path !== undefined ? repositoryLink(commit, path, line) : undefined;
  const line = view.value.source?.line ?? 0;
  const self = lines.lines.reduce((sum, one) => sum + one.self, 0);
  const link = linkOf(line);
  return (
    <>
      <h2 class="source-name">
        <span class="mono">{file}</span>
        {commit && path !== undefined && (
          <span class="muted">
            {link === undefined ? (
              `${path} of ${commit.repository} at ${commit.sha.slice(0, 12)}`
            ) : (
              <a href={link} target="_blank" rel="noopener noreferrer">
                {path} at {commit.sha.slice(0, 12)}
              </a>
            )}
          </span>
        )}
        <span class="source-self" data-source-self title={formatExact(self, lines.unit)}>
          <span class="muted">Self</span> {formatValue(self, lines.unit)}
        </span>
      </h2>
      <Notes source={source} error={error} rows={rows.filter((row) => row.text === undefined).length} />
      {lines.lines.length === 0 ? (
        <Notice title="No sample of this range is of this file">
          <p>Choose another file on the left, or a longer range.</p>
        </Notice>
      ) : (
        <SourceTable
          rows={rows}
          lines={lines}
          line={line}
          onLine={(chosen) => change({ source: { file, line: chosen } }, 'replace')}
          linkOf={linkOf}
        />
      )}
    </>
  );
}

/** What is not as it should be with the text. */
function Notes({
  source,
  error,
  rows,
}: {
  source: Source | undefined;
  error: Error | undefined;
  rows: number;
}): JSX.Element | null {
  if (error) return <p class="source-note">The text is not here: {error.message}</p>;
  if (!source) return null;
  if (source.text === null)
    return <p class="source-note">The text is not here, since {source.reason}. The figures are by line.</p>;
  const begin = Math.max(shownSpan.value.from, service.value?.from ?? 0);
  const isNewer = source.modified !== null && source.modified > begin;
  if (!isNewer && rows === 0) return null;
  return (
    <p class="source-note warn">
      {isNewer &&
        `The file was changed at ${formatInstant(source.modified as number, Date.now())}, after these profiles began: figures from before may stand beside other lines. `}
      {rows > 0 &&
        `${rows} ${rows === 1 ? 'line with figures is' : 'lines with figures are'} not in this text, which is of another version.`}
    </p>
  );
}
