import type { V8Node } from '../inspector/v8-profile';
import { isNumber, isObject } from './json';
import { NotImportable, shown } from './not-importable';

const LAST_LINE = 2 ** 31;

/** Reads the function of a node of V8's profiles. `where` says of which, for the message where it is none. */
export function readCallFrame(value: unknown, where: string): V8Node['callFrame'] {
  if (!isObject(value)) throw new NotImportable(`${where} has no callFrame`);
  const { functionName, url = '', scriptId = '', lineNumber, columnNumber } = value;
  if (typeof functionName !== 'string' || typeof url !== 'string')
    throw new NotImportable(
      `${where} has the function ${shown(functionName)} in the file ${shown(url)}, and both are to be texts`,
    );
  return {
    functionName,
    url,
    scriptId: String(scriptId),
    lineNumber: placeOf(lineNumber),
    columnNumber: placeOf(columnNumber),
  };
}

/** A line or column from 0; -1 where there is none. */
function placeOf(value: unknown): number {
  return isNumber(value) && Number.isInteger(value) && value >= 0 && value < LAST_LINE ? value : -1;
}
