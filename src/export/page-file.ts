import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { EverflameError } from '../engine';
import type { Report } from './report';

/** The built page, apart from its markup. */
interface Built {
  script: string;
  style: string;
}

/**
 * Unpacks the page's script and runs it. The data is unpacked by the page itself, which finds it by the same ids. It has nothing of
 * the page's own, as it runs before it.
 */
const START = `
(async () => {
  try {
    const packed = atob(document.getElementById('everflame-page').textContent);
    const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    const script = document.createElement('script');
    script.type = 'module';
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  } catch (error) {
    document.getElementById('page').textContent =
      'This report cannot be shown: the file is damaged, or the browser is of before 2023 (' + error + ').';
  }
})();
`;

/** A page with its data in one file, which asks nobody for anything. Throws an EverflameError where the page is not built. */
export async function reportFile(page: string, { title, samples, timeline }: Report): Promise<string> {
  const { script, style } = builtPage(page);
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(START)} ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const blocks = await Promise.all([
    block('everflame-page', Buffer.from(script)),
    block('everflame-samples', samples),
    ...(timeline === undefined ? [] : [block('everflame-timeline', timeline)]),
  ]);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${escapeText(title)} · Everflame</title>
<style>${style}</style>
</head>
<body>
<div id="page"></div>
<noscript>This report needs JavaScript, which runs from this file alone and asks nobody for anything.</noscript>
${blocks.join('\n')}
<script>${START}</script>
</body>
</html>
`;
}

/** What no browser runs, and what has no letter in it that means something in markup. */
async function block(id: string, data: Buffer): Promise<string> {
  const packed = await promisify(gzip)(data, { level: 9 });
  return `<script type="application/gzip" id="${id}">${packed.toString('base64')}</script>`;
}

function builtPage(folder: string): Built {
  try {
    const index = readFileSync(join(folder, 'index.html'), 'utf8');
    const [, script] = /<script [^>]*src="\.\/([^"]+)"/.exec(index) ?? [];
    const [, style] = /<link rel="stylesheet" [^>]*href="\.\/([^"]+)"/.exec(index) ?? [];
    if (script === undefined || style === undefined) throw new Error('its index names no script or no style');
    return {
      script: readFileSync(join(folder, script), 'utf8'),
      style: readFileSync(join(folder, style), 'utf8'),
    };
  } catch (error) {
    throw new EverflameError(
      'NO_PAGE',
      `the page that a report is made of is not built: there is no whole page in ${folder}. In a checkout of Everflame run: npm run build:viewer`,
      { cause: error },
    );
  }
}

/** As a policy names what stands in the markup (Content Security Policy 3, section 2.3.1). */
function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
