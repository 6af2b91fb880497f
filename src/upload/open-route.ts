import { dirname } from 'node:path';
import { reasonOf } from '../log';
import { inboxPrefix, pruneInboxSync } from '../output/inbox';
import { INBOX_MODE, profilePath, writeProfileSync } from '../output/pprof-file';
import { keepWord } from '../output/process-file';
import type { Clock } from './clock';
import type { Place } from './place';
import { AGENT_PORT } from './route';
import type { Seed } from './seed';
import { NoAnswer, type Send } from './send';
import type { OutgoingRequest, RequestAddress, Upload } from './upload';

/** An Agent answers this at once. Less than the end of a process may take: what is no Agent is to be known by then. */
const ANSWER_MILLISECONDS = 500;
/** What is no Agent is not asked again before that: several profiles may wait at the end of a process. */
const ASK_AGAIN_MILLISECONDS = 30_000;
/** The question is short: nobody breaks it off. */
const NEVER = new AbortController().signal;
/** The file of a profile in the inbox. */
const KEPT = 'wall.pprof';

/** What an open route is made from. */
export interface OpenRouteOptions {
  send: Send;
  /** Where uploads would go now. */
  address: () => RequestAddress;
  clock: Clock;
  workingDirectory: string;
  /** What is known of the process with this runtime id. */
  seedOf: (runtimeId: string) => Seed | undefined;
  /** Told what is wrong with that. */
  warn: (line: string) => void;
  /** Called when it has turned out who gets profiles, each time that this is another than before. */
  settled: (place: Place) => void;
}

/**
 * The way of profiles of which nobody has said where they go, where something listens on the port of Agents: it may be anything.
 * Until it has answered as an Agent does nothing is sent to it, and where it does not, profiles are kept in the inbox, as they are
 * where nobody listens. An Agent's socket is nobody else's.
 */
export class OpenRoute {
  private isAgent = false;
  private inbox: { prefix: string; reason: string; asked: number } | undefined;
  private asking: Promise<boolean> | undefined;

  constructor(private readonly options: OpenRouteOptions) {}

  /** Who gets profiles, as far as that is known. */
  get settled(): Place['kind'] | undefined {
    if (this.isAgent) return 'agent';
    return this.inbox && 'inbox';
  }

  /** Whether profiles are for an Agent. Asks, unless the answer is known. */
  async isForAgent(): Promise<boolean> {
    if (this.isAgent) return true;
    if (this.inbox && this.options.clock.steady() - this.inbox.asked < ASK_AGAIN_MILLISECONDS) return false;
    this.asking ??= this.settle().finally(() => {
      this.asking = undefined;
    });
    return this.asking;
  }

  /** Keeps a profile that is for no Agent. Throws where it cannot be written, with a reason fit for a line of the log. */
  keep({ attachments, sequence, identity }: Upload): void {
    const { inbox } = this;
    const profile = attachments.find(({ name }) => name === KEPT);
    if (!inbox || !profile) return;
    const path = profilePath(inbox.prefix, sequence, identity.pid);
    const seed = this.options.seedOf(identity.runtimeId);
    try {
      if (seed) keepWord(dirname(path), seed);
      writeProfileSync(path, profile.data, INBOX_MODE);
    } catch (error) {
      throw new Error(`${inbox.reason}, and the profile cannot be kept at ${path}: ${reasonOf(error)}`, {
        cause: error,
      });
    }
    try {
      pruneInboxSync(inbox.prefix);
    } catch {
      // What is superfluous is removed with the next one.
    }
  }

  private async settle(): Promise<boolean> {
    const { clock, settled, workingDirectory, warn } = this.options;
    const reason = await this.ask();
    if (reason === undefined) {
      this.isAgent = true;
      settled({ kind: 'agent' });
      return true;
    }
    const before = this.inbox;
    const prefix = before?.prefix ?? inboxPrefix(workingDirectory, warn);
    this.inbox = { prefix, reason, asked: clock.steady() };
    if (!before) settled({ kind: 'inbox', prefix, reason });
    return false;
  }

  /** Why what listens is no Agent, as a part of a sentence; undefined where it is one. */
  private async ask(): Promise<string | undefined> {
    const { socketPath, ...address } = this.options.address();
    if (socketPath !== undefined) return undefined;
    const info: OutgoingRequest = {
      ...address,
      part: 'info',
      method: 'get',
      url: new URL('/info', address.url).href,
      headers: {},
      body: Buffer.alloc(0),
      timeoutMilliseconds: ANSWER_MILLISECONDS,
    };
    try {
      const answer = await this.options.send(info, NEVER);
      return isAgent(answer) ? undefined : noAgent(`it answers GET /info with ${answer.status}`);
    } catch (error) {
      if (error instanceof NoAnswer) return noAgent(`GET /info: ${error.message}`);
      throw error;
    }
  }
}

/** That what listens is no Agent, as a part of a sentence. */
export function noAgent(because: string): string {
  return `what listens on port ${AGENT_PORT} is no Datadog Agent (${because})`;
}

/** Whether an answer to `GET /info` is an Agent's: it lists the paths that it takes. */
export function isAgent({ status, body }: { status: number; body: Buffer | string }): boolean {
  if (status !== 200) return false;
  try {
    const { endpoints } = Object(JSON.parse(body.toString())) as { endpoints?: unknown };
    const isPath = (path: unknown): boolean => typeof path === 'string' && path.startsWith('/');
    return Array.isArray(endpoints) && endpoints.length > 0 && endpoints.every(isPath);
  } catch {
    return false;
  }
}
