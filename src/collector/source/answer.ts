import type { Socket } from 'node:net';
import { type Answer, json } from '../http/answer';
import { Refusal } from '../http/refusal';
import type { Parameters } from '../query/parameters';
import { readSelection } from '../query/selection';
import { parsed, type Store } from '../store';
import { isOwnUser } from './asker';
import { readSourceFile } from './source-file';

/** To whom source files are given: to the user whom the collector belongs to, to all who may ask, or to nobody. */
export type SourceReaders = 'user' | 'all' | 'nobody';

const START_WITH = 'Start the collector with --source to give them to everybody who may ask it.';

/** The answer to `/source`: the text of a file that profiles name, or why it is not given. Throws a Refusal for any other file. */
export async function answerSource(
  store: Pick<Store, 'lines'>,
  parameters: Parameters,
  readers: SourceReaders,
  socket: Socket,
): Promise<Answer> {
  const file = parameters.required('file', 'a file as it stands in a profile');
  const selection = readSelection(parameters);
  parameters.end();
  const { lines } = await parsed<{ lines: unknown[] }>(store.lines(selection, { file }));
  if (lines.length === 0)
    throw new Refusal(
      404,
      'no sample of this selection is of that file. Name one that /table lists by file.',
    );
  const obstacle = whyNot(readers, socket);
  const found = obstacle === undefined ? readSourceFile(file) : { reason: obstacle };
  const none = { text: null, modified: null, repositoryPath: null, reason: null };
  return json({ file, ...none, ...found });
}

function whyNot(readers: SourceReaders, socket: Socket): string | undefined {
  if (readers === 'nobody') return `files are not given away beyond this machine. ${START_WITH}`;
  // Of a Unix socket the rights of its file say who may.
  const isSocketFile = socket.remoteAddress === undefined;
  if (readers === 'user' && !isSocketFile && !isOwnUser(socket))
    return `files are given to the user alone whom the collector belongs to. ${START_WITH}`;
  return undefined;
}
