import { gunzipSync } from 'node:zlib';
import { readContainer } from '#src/export/container.js';

/** A report taken apart, without the page that it has inside. */
export interface ReportFile {
  /** What a browser reads as markup: all but the blocks that are data. */
  markup: string;
  /** The page's script. */
  page: string;
  heading: {
    isStripped: boolean;
    where: string[];
    service: { name: string; types: { name: string; unit: string }[] };
    groups: { tags: Record<string, string> }[];
    labels: [key: string, value: string][][];
    frames: { name: string[]; file: string[]; package: string[] };
    profiles: { profiles: { tags: Record<string, string> }[] };
  };
  /** For each type of the heading, what its column adds up to. */
  sums: number[];
  /** Samples with times. */
  moments: number;
}

const BLOCK = /<script type="application\/gzip" id="everflame-(\w+)">([A-Za-z0-9+/=]*)<\/script>/g;

export function readReport(html: string): ReportFile {
  const blocks = new Map(
    [...html.matchAll(BLOCK)].map(([, id = '', packed = '']) => [
      id,
      gunzipSync(Buffer.from(packed, 'base64')),
    ]),
  );
  const { heading, columns } = readContainer('EFR1', blocks.get('samples') ?? Buffer.alloc(8));
  const timeline = blocks.get('timeline');
  const typed = heading as unknown as ReportFile['heading'];
  return {
    markup: html.replaceAll(BLOCK, ''),
    page: blocks.get('page')?.toString() ?? '',
    heading: typed,
    sums: typed.service.types.map((_type, index) =>
      Array.from(columns.get(`value${index}`) ?? []).reduce((sum, value) => sum + value, 0),
    ),
    moments: timeline ? (readContainer('EFL1', timeline).columns.get('lane')?.length ?? 0) : 0,
  };
}
