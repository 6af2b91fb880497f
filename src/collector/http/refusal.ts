/** For which of these something was refused; `/status` counts them. */
export type Cause =
  | 'host'
  | 'origin'
  | 'token'
  | 'malformed'
  | 'too-large'
  | 'unsupported'
  | 'profile'
  | 'busy'
  | 'store';

/** An answer that is an error: one sentence with the remedy. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** Left out where whoever asks is wrong only about what there is to ask for. */
    readonly refused?: Cause,
    /** More headers of the answer. */
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
    this.name = 'Refusal';
  }
}

/** A request that cannot be understood. */
export function malformed(message: string): Refusal {
  return new Refusal(400, message, 'malformed');
}

/** A request beyond a limit. */
export function tooLarge(message: string): Refusal {
  return new Refusal(413, message, 'too-large');
}

/** Not now; whoever sends profiles comes again after some seconds. */
export function notNow(message: string, cause: Cause): Refusal {
  return new Refusal(503, message, cause, { 'Retry-After': '5' });
}

/** The client has gone before its request was whole: nobody waits for an answer. */
export class Abandoned extends Error {}
