/** Values of a git configuration in the order of the file, by `section.subsection.key`. */
export type GitConfig = Map<string, string[]>;

const SECTION = /^\[\s*([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]/;
const VARIABLE = /^([A-Za-z][\w-]*)\s*(?:=\s*|(?=[#;]|$))/;
const ESCAPED: Record<string, string> = { n: '\n', t: '\t', b: '\b' };

/**
 * Reads a git configuration (git-config(1), "Syntax"). Section and key are in lower case, the subsection as it is. Includes
 * are not followed. Lines that git would refuse are passed over.
 */
export function parseGitConfig(text: string): GitConfig {
  const config: GitConfig = new Map();
  let section = '';
  for (const line of logicalLines(text)) {
    let rest = line.trim();
    const [header, name, subsection] = SECTION.exec(rest) ?? [];
    if (header !== undefined && name !== undefined) {
      section = sectionName(name, subsection);
      // A variable may stand on the line of its section.
      rest = rest.slice(header.length).trim();
    }
    const [beginning, key] = VARIABLE.exec(rest) ?? [];
    if (beginning === undefined || key === undefined || section === '') continue;
    const full = `${section}.${key.toLowerCase()}`;
    config.set(full, [...(config.get(full) ?? []), plainValue(rest.slice(beginning.length))]);
  }
  return config;
}

/** The address of the remote `origin`, or of the only remote; git takes the first one to fetch from. */
export function remoteUrl(config: GitConfig): string | undefined {
  const origin = config.get('remote.origin.url')?.[0];
  if (origin !== undefined) return origin;
  const remotes = [...config].filter(([key]) => /^remote\..+\.url$/s.test(key));
  return remotes.length === 1 ? remotes[0]?.[1][0] : undefined;
}

/** Lines, those that end with a backslash joined with the next. */
function logicalLines(text: string): string[] {
  return text
    .replace(/\r\n/g, '\n')
    .replace(/(?<!\\)((?:\\\\)*)\\\n/g, '$1')
    .split('\n');
}

function sectionName(name: string, subsection: string | undefined): string {
  const lower = name.toLowerCase();
  return subsection === undefined ? lower : `${lower}.${subsection.replace(/\\(.)/g, '$1')}`;
}

/** A value without quotes, escapes and comment. */
function plainValue(text: string): string {
  let value = '';
  let isQuoted = false;
  // Blanks at the end count in quotes only.
  let kept = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text[index] as string;
    if (character === '"') isQuoted = !isQuoted;
    else if (character === '\\') {
      const next = text[++index] ?? '';
      value += ESCAPED[next] ?? next;
    } else if (!isQuoted && (character === '#' || character === ';')) break;
    else value += character;
    if (isQuoted || character.trim() !== '') kept = value.length;
  }
  return value.slice(0, kept);
}
