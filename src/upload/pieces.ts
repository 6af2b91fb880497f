import type { OutgoingRequest } from './upload';

/** Most pieces that an upload is divided into. */
export const MOST_PIECES = 64;

/** A request of one piece of an upload, and what it is called among those that a receiver has. */
export interface PieceRequest {
  request: OutgoingRequest;
  name: string;
  /** Of several requests with the same content divided, such as `wall` and `wall.2`, the name of the first. */
  first: string;
}

/** The same for the same piece at any time. */
export function pieceRequest(request: OutgoingRequest, index: number, pieces: number): PieceRequest {
  const { part } = request;
  const first = part.replace(/\.\d+$/, '');
  return { request, name: pieceName(part, index, pieces), first: pieceName(first, index, pieces) };
}

/**
 * In how many pieces an upload is divided of which a receiver has these: what it has says it, also after the process that began
 * to send it has ended. Undefined where it has none.
 */
export function piecesOf(done: Iterable<string>): number | undefined {
  let pieces: number | undefined;
  for (const name of done) {
    const found = Number(/ \d+\/(\d+)$/.exec(name)?.[1] ?? 1);
    // A file may say anything; a number that is no power of two would never nest.
    if (Number.isInteger(Math.log2(found)) && found <= MOST_PIECES) pieces = Math.max(pieces ?? 1, found);
  }
  return pieces;
}

/** Whether a receiver has a request: it, or the larger piece that it is of. Each piece is divided in two. */
export function isDone(done: ReadonlySet<string>, part: string, index: number, pieces: number): boolean {
  if (done.has(pieceName(part, index, pieces))) return true;
  // A larger piece was divided only where each of its parts was whole there or not at all.
  const first = part.replace(/\.\d+$/, '');
  for (let [place, of] = [index, pieces]; of > 1; ) {
    place = Math.floor(place / 2);
    of /= 2;
    if (done.has(pieceName(first, place, of))) return true;
  }
  return false;
}

/**
 * What cannot be divided any further, because a receiver has some of it already: requests among these whose content is that of
 * another request's that is done, but for the place in it.
 */
export function begun(requests: readonly PieceRequest[], done: ReadonlySet<string>): PieceRequest[] {
  const firsts = new Set(requests.filter(({ name }) => done.has(name)).map(({ first }) => first));
  return requests.filter(({ name, first }) => !done.has(name) && firsts.has(first));
}

function pieceName(part: string, index: number, pieces: number): string {
  return pieces === 1 ? part : `${part} ${index + 1}/${pieces}`;
}
