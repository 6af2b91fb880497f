import type { IncomingMessage } from 'node:http';
import type { Answer } from '../http/answer';
import { Refusal } from '../http/refusal';
import type { Share } from '../http/room';
import type { Limits } from '../limits';
import type { Kept, KeptProfile, Upload } from '../store';

/** A way by which profiles come. */
export interface Intake {
  /** Reads a request, has it kept, and says what to answer. Rejects with a Refusal. */
  take(request: IncomingMessage, exchange: Exchange): Promise<Answer>;
  /** How its clients are told of an error; as everywhere where left out. */
  refuse?(request: IncomingMessage, refusal: Refusal): Answer;
}

/** What an intake works with. */
export interface Exchange {
  limits: Limits;
  share: Share;
  /** Settles when the uploads are kept for good. */
  keep(uploads: Upload[]): Promise<Kept[]>;
  /** Attachments that are no profiles were left out. */
  ignore(attachments: number): void;
  /** Counts of requests could not be believed; the profiles that came with them are kept. `why` is a part of a sentence. */
  leaveOutRequests(service: string, client: string, why: string): void;
}

/** Who sends, in few words. */
export function clientOf(request: IncomingMessage): string {
  const { 'dd-evp-origin': origin, 'dd-evp-origin-version': version, 'user-agent': agent } = request.headers;
  const name = origin ? `${origin}/${version ?? ''}` : (agent ?? 'unknown');
  return name.slice(0, 100);
}

/** The profiles that were refused. Throws a Refusal where it is all of them: then there is something to mend. */
export function refusedOf(kept: readonly Kept[]): KeptProfile[] {
  const all = kept.flatMap(({ profiles }) => profiles);
  const refused = all.filter(({ state }) => state === 'refused');
  if (refused.length > 0 && refused.length === all.length) {
    throw new Refusal(
      400,
      `nothing of it was kept: ${reasonsOf(refused)}. What is taken: docs/store.md, "What is refused".`,
      'profile',
    );
  }
  return refused;
}

/** Each reason once, as a part of a sentence. */
export function reasonsOf(refused: readonly KeptProfile[]): string {
  return [...new Set(refused.map(({ reason = 'it is no profile' }) => reason))].join('; ');
}
