/** The process that makes one report: what of, stands in the argument, and the file goes to standard output. */
import { FolderStore } from '../collector/native-store';
import { EverflameError } from '../engine';
import { reportFile } from './page-file';
import { makeReport } from './report';
import { FAILED, type ReportFailure, type ReportRequest } from './reporter';

async function answerTo({ folder, selection, isStripped, page }: ReportRequest): Promise<string> {
  const store = FolderStore.read(folder);
  try {
    return await reportFile(page, await makeReport(store, selection, isStripped));
  } finally {
    await store.close();
  }
}

async function main(): Promise<void> {
  try {
    process.stdout.write(await answerTo(JSON.parse(process.argv[2] ?? '') as ReportRequest));
  } catch (error) {
    if (!(error instanceof EverflameError)) throw error;
    const failure: ReportFailure = { code: error.code, message: error.message };
    process.stdout.write(JSON.stringify(failure));
    process.exitCode = FAILED;
  }
}

void main();
