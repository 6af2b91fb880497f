import type { JSX } from 'preact';
import { formatInstant, formatRange } from '../format/time.js';
import type { ReportHead } from '../state/report.js';

/** In place of the choice of time: of which time a report is, when it was made, and what was left out. */
export function ReportNote({ head }: { head: ReportHead }): JSX.Element {
  const { range, made, by, where, isStripped } = head;
  const now = Date.now();
  return (
    <>
      <span class="range" title={Intl.DateTimeFormat().resolvedOptions().timeZone}>
        {formatRange(range.from, range.to, now)}
      </span>
      {where.length > 0 && (
        <span class="report-note" title="The report was made of samples with these labels and tags only">
          Only {where.join(', ')}
        </span>
      )}
      <span
        class="report-note"
        data-report
        title={`Made by ${by}. ${
          isStripped
            ? 'Folders of files were left out, and numbers stand for values of labels and tags.'
            : 'It holds paths of files and values of labels and tags as they are.'
        }`}
      >
        Report of {formatInstant(made, now)}
        {isStripped && ', without folders and label values'}
      </span>
    </>
  );
}
