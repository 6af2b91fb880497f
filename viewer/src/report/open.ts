import { answerFrom } from '../api/client.js';
import { show } from '../state/report.js';
import { ReportAnswers } from './answers.js';
import { readContents } from './contents.js';

/**
 * Has questions answered from what the page has inside, if it is a report.
 * @throws where what is inside cannot be read
 */
export async function openReport(): Promise<void> {
  const samples = await unpacked('everflame-samples');
  if (samples === undefined) return;
  const moments = await unpacked('everflame-timeline');
  const contents = readContents(samples);
  answerFrom(new ReportAnswers(contents, moments));
  const { made, by, isStripped, range, where } = contents;
  show({ made, by, isStripped, range, where, hasTimeline: moments !== undefined });
}

/** What an element of the page holds, gzip in base64; undefined where there is none. */
async function unpacked(id: string): Promise<ArrayBuffer | undefined> {
  const packed = document.getElementById(id)?.textContent;
  if (packed == null) return undefined;
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}
