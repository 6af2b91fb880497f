import type { ThreadPeriod } from './v8-profile';

/** Channel on which the main thread asks the workers. */
export const COMMANDS = 'everflame:inspector:commands';
/** Channel on which workers answer. A worker opens it to send and closes it again, so none receives another's profile. */
export const RESULTS = 'everflame:inspector:results';

export interface Command {
  action: 'cut' | 'stop';
}

export type Result =
  | { kind: 'hello'; threadId: number }
  | { kind: 'period'; threadId: number; period: ThreadPeriod }
  | { kind: 'bye'; threadId: number; period: ThreadPeriod };
