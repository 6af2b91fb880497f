import type { IncomingMessage } from 'node:http';
import { type Files, type ShownFile, spanOf } from '../import/files';
import { ACCEPTED, NotImportable } from '../import/not-importable';
import type { Events } from './events';
import { type Answer, json } from './http/answer';
import { readBody } from './http/body';
import { notNow, Refusal, tooLarge } from './http/refusal';
import type { Room } from './http/room';
import { checkedName } from './intake/tags';
import type { Limits } from './limits';
import { Parameters } from './query/parameters';
import type { ShownStores } from './shown-stores';

const MIB = 1024 * 1024;
/** Files that are read at a time: a browser waits for its answer, and not for that of others. */
const MOST_PENDING = 1;

/** What importing works with. */
export interface ImportSources {
  files: Files;
  shown: ShownStores;
  events: Events;
  room: Room;
  limits: Limits;
}

/** Takes the one file that is the body of a request, and says what it became. Rejects with a Refusal. */
export async function importFile(
  request: IncomingMessage,
  query: string,
  { files, shown, events, room, limits }: ImportSources,
): Promise<Answer> {
  const parameters = new Parameters(new URLSearchParams(query));
  const name = checkedName(lastPart(parameters.required('name', 'the name of the file')), 'the file', limits);
  const modified = parameters.time('modified') ?? Date.now();
  parameters.end();
  checkPending(files);
  const share = room.share();
  try {
    const data = await bodyOf(request, name, limits, share);
    const names = await shown.names();
    // Others may have come while this one did.
    checkPending(files);
    const file = await files.add({ name, path: name, service: name, modified, data }, (one) =>
      names.has(one),
    );
    if (!file.again) tell(events, file);
    return json(file);
  } catch (error) {
    if (!(error instanceof NotImportable)) throw error;
    throw new Refusal(400, notShown(name, error), 'profile');
  } finally {
    share.giveBack();
  }
}

function checkPending({ pending }: Files): void {
  if (pending >= MOST_PENDING)
    throw notNow('another file is being read. Send this one when that is done.', 'busy');
}

/** Why a file is not shown, in a sentence; what is taken, in another. */
export function notShown(name: string, { message }: NotImportable): string {
  return `${name} cannot be shown: ${message}. ${ACCEPTED}.`;
}

async function bodyOf(
  request: IncomingMessage,
  name: string,
  limits: Limits,
  share: ReturnType<Room['share']>,
): Promise<Buffer> {
  try {
    return await readBody(request, limits, share);
  } catch (error) {
    if (!(error instanceof Refusal) || error.refused !== 'too-large') throw error;
    throw tooLarge(
      `${name} has more than ${limits.bodyBytes / MIB} MiB, or ${limits.decompressedBytes / MIB} MiB unpacked. Show it with "everflame view <file>", or compress it with gzip.`,
    );
  }
}

/** Some browsers send a path where a folder was dropped. */
function lastPart(path: string): string {
  return path.split(/[/\\]/).at(-1) ?? path;
}

function tell(events: Events, file: ShownFile): void {
  const upload = { service: file.service, tags: [], client: 'file', profiles: [], ...spanOf(file) };
  events.kept(upload, { profiles: [{ state: 'kept', samples: 0 }] });
}
