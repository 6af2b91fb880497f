import { alignColumns } from '../columns';
import type { DoctorReport, Section } from '../doctor';
import { visible } from '../visible';
import type { IdentityFact } from './identity';
import type { State } from './report';

const MARKS: Readonly<Record<State, string>> = { ok: 'ok', note: 'note', warning: 'WARN', failure: 'FAIL' };
const INDENT = 2;
const TEXT_AT = 8;
const WIDTH = 110;

/** The report for people. */
export function doctorText(report: DoctorReport, sections: Section[]): string {
  const { versions, engine } = report;
  const node = engine.node ?? versions.node;
  const libc = versions.libc === undefined ? '' : `, ${versions.libc}`;
  const head = [
    `everflame ${versions.everflame}, Node.js ${node}, V8 ${engine.v8 ?? versions.v8}`,
    `${versions.platform} ${versions.arch}${libc}, kernel ${versions.kernel}`,
  ];
  const blocks = sections.map(({ title, findings }) => {
    const lines = findings.flatMap(({ state, text, remedy }) => [
      ...wrapped(`${' '.repeat(INDENT)}${MARKS[state].padEnd(TEXT_AT - INDENT)}`, text),
      ...(remedy === undefined ? [] : wrapped(' '.repeat(TEXT_AT), `→ ${remedy}`)),
    ]);
    const more =
      title === 'Settings'
        ? settingsTable(report)
        : title === 'Identity'
          ? identityTable(report.identity)
          : [];
    return [title, ...lines, ...more];
  });
  return [head, ...blocks, [result(report)]]
    .filter((block) => block.length > 1 || block[0] === result(report))
    .map((block) => block.map(visible).join('\n'))
    .join('\n\n');
}

function result({ ok, failures, findings }: DoctorReport): string {
  const warnings = findings.filter(({ state }) => state === 'warning').length;
  const also = warnings === 0 ? '' : ` (${warnings} ${warnings === 1 ? 'warning' : 'warnings'})`;
  return ok
    ? `Profiles can arrive${also}.`
    : `Profiles cannot arrive: see ${failures.join(', ')} above${also}.`;
}

/** Every setting that is not at its default, and how many are. */
function settingsTable({ settings }: DoctorReport): string[] {
  const rows = settings.map(({ variables, value, origin }) => {
    const from = origin === 'default' ? 'default' : origin === variables[0] ? 'environment' : origin;
    return { variable: variables[0] ?? '', value: shortened(value ?? 'not set'), from };
  });
  const table = alignColumns([
    { title: 'setting', align: 'left', cells: rows.map(({ variable }) => variable) },
    { title: 'value', align: 'left', cells: rows.map(({ value }) => visible(value)) },
    { title: 'from', align: 'left', cells: rows.map(({ from }) => from) },
  ]);
  return table.map((line) => `${' '.repeat(TEXT_AT)}${line}`);
}

function identityTable(identity: IdentityFact | null): string[] {
  if (!identity) return [];
  const { env, version, tags, host, gitRepositoryUrl, gitCommitSha, containerId, entityId, processTags } =
    identity;
  const rows: [string, string | undefined][] = [
    ['env', env],
    ['version', version],
    ['tags', tags.length === 0 ? undefined : tags.map((tag) => tag.join(':')).join(', ')],
    ['host', host],
    ['git repository', gitRepositoryUrl],
    ['git commit', gitCommitSha],
    ['container', containerId],
    ['entity', entityId],
    ['process tags', processTags],
    ['parts of an upload', identity.attachments.join(', ')],
  ];
  const known = rows.filter((row): row is [string, string] => row[1] !== undefined);
  const width = Math.max(...known.map(([name]) => name.length));
  return known.map(([name, value]) => `${' '.repeat(TEXT_AT)}${name.padEnd(width)}  ${value}`);
}

function shortened(value: string): string {
  return value.length > 60 ? `${value.slice(0, 59)}…` : value;
}

/** A text behind `first`, in lines that go on below its beginning. */
function wrapped(first: string, text: string): string[] {
  const lines: string[] = [];
  let line = first;
  for (const word of text.split(' ')) {
    if (line.length + word.length > WIDTH && line.trim() !== '' && line !== first) {
      lines.push(line.trimEnd());
      line = ' '.repeat(TEXT_AT);
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}
