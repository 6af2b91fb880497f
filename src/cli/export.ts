import { basename, join } from 'node:path';
import { FolderStore } from '../collector/native-store';
import { servicesOf } from '../collector/services';
import type { Selection, Store } from '../collector/store';
import { readSetting } from '../config/resolve';
import { EverflameError } from '../engine';
import { collapsedStacks } from '../export/collapsed';
import { type Gathered, gather } from '../export/gather';
import { reportFile } from '../export/page-file';
import { pprofFile } from '../export/pprof-file';
import { makeReport } from '../export/report';
import { speedscope } from '../export/speedscope';
import { makeStripping, WHOLE } from '../export/strip';
import { Logger, reasonOf } from '../log';
import { packageRoot, packageVersion } from '../package-root';
import { exportLines, type Form, type Made } from './export-lines';
import { type StoreOptions, storeToRead } from './open-store';
import { type SelectionOptions, selectionOf } from './select';
import { storeOfFiles } from './view';
import { isSameFile, writeOutput } from './write-output';

export interface ExportOptions extends SelectionOptions, StoreOptions {
  html?: boolean;
  pprof?: boolean;
  collapsed?: boolean;
  speedscope?: boolean;
  output?: string;
  strip?: boolean;
}

/** Where a form is written unless the options say so. */
const OUTPUT: Record<Form, string> = {
  html: 'report.html',
  pprof: 'profile.pb.gz',
  collapsed: 'profile.collapsed.txt',
  speedscope: 'profile.speedscope.json',
};

/** Writes a selection to a file, and returns the lines that say what it holds. Throws an EverflameError where it cannot. */
export async function exportProfiles(
  files: string[],
  options: ExportOptions,
  now = Date.now(),
): Promise<string> {
  const form = (['pprof', 'collapsed', 'speedscope'] as const).find((name) => options[name]) ?? 'html';
  const output = options.output ?? OUTPUT[form];
  const input = files.find((file) => isSameFile(file, output));
  if (input !== undefined) {
    throw new EverflameError(
      'WOULD_OVERWRITE',
      `${output} is the profile ${input} itself. Name another file with -o`,
    );
  }
  const { store, close } = await sourceOf(files, options);
  try {
    const services = await servicesOf(store);
    const selection = selectionOf(services, options, now);
    const made = await make(form, store, selection, options.strip ?? false);
    write(output, made.data);
    return exportLines(output, made, options.strip ?? false, form).join('\n');
  } finally {
    await close();
  }
}

/** The store that is asked: of the files, or the one of the folder. */
async function sourceOf(
  files: string[],
  options: ExportOptions,
): Promise<{ store: Store; close(): Promise<void> }> {
  if (files.length === 0) {
    const store = FolderStore.read(storeToRead(options));
    return { store, close: () => store.close() };
  }
  const first = basename(files[0] ?? '');
  const service = files.length === 1 ? first : `${first} and ${files.length - 1} more`;
  const logger = new Logger(readSetting('logLevel', process.env));
  return storeOfFiles(files, logger, (path) => ({ service, path }));
}

async function make(form: Form, store: Store, selection: Selection, isStripped: boolean): Promise<Made> {
  if (form === 'html') {
    const report = await makeReport(store, selection, isStripped);
    const data = await reportFile(join(packageRoot, 'dist', 'viewer'), report);
    return { data, gathered: report.gathered, use: 'Open it in a browser; it needs no network.' };
  }
  const stripping = isStripped ? makeStripping() : WHOLE;
  const gathered = await gather(store, selection, stripping);
  const { samples, types, service } = gathered;
  switch (form) {
    case 'pprof': {
      const data = await pprofFile(store, selection, types, isStripped ? makeStripping() : WHOLE);
      return { data, gathered, use: 'Every tool that reads pprof opens it.' };
    }
    case 'collapsed': {
      const column = types.findIndex(({ name }) => name === firstOf(types));
      return {
        data: collapsedStacks(samples, column),
        gathered: {
          ...gathered,
          types: types.slice(column, column + 1),
          totals: gathered.totals.slice(column),
        },
        use: 'Scripts that draw flame graphs read it.',
      };
    }
    case 'speedscope':
      return {
        data: speedscope(service.name, types, samples, `everflame ${packageVersion()}`),
        gathered,
        use: 'Open it at speedscope.app, or with a speedscope of your own.',
      };
  }
}

/** The type that is meant where one has to be: as the store's own choice. */
function firstOf(types: Gathered['types']): string | undefined {
  const wanted = ['cpu', 'cpu-time', 'wall', 'wall-time'].find((name) =>
    types.some((type) => type.name === name),
  );
  return wanted ?? types[0]?.name;
}

function write(output: string, data: string | Uint8Array): void {
  try {
    writeOutput(output, data);
  } catch (error) {
    throw new EverflameError(
      'UNWRITABLE',
      `cannot write ${output || 'a file without a name'}: ${reasonOf(error)}. Name another file with -o`,
      { cause: error },
    );
  }
}
