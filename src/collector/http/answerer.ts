import type { IncomingMessage, ServerResponse } from 'node:http';
import { codeOf, type Logger, reasonOf } from '../../log';
import type { Counts } from '../counts';
import type { Limits } from '../limits';
import { type Routes, targetOf } from '../routes';
import { type Answer, send, text } from './answer';
import { checkSource, checkToken, type Doors } from './guard';
import { Abandoned, Refusal } from './refusal';

/** By the code of an error of the store, or of what is made of its answers: its status. */
const STATUS: Record<string, number> = { NOT_FOUND: 404, BAD_QUERY: 400, BUSY: 503, NO_PAGE: 404 };

/** Answers every request, whatever it is. */
export class Answerer {
  constructor(
    private readonly routes: Routes,
    private readonly counts: Counts,
    private readonly limits: Limits,
    private readonly logger: Logger,
  ) {}

  /** Without doors whoever asks may. Never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse, doors: Doors | undefined): Promise<void> {
    response.on('error', () => undefined);
    try {
      const answer = (doors && enter(request, doors)) ?? (await this.routes.answer(request, response));
      if (answer) await send(request, response, answer);
      this.linger(request);
    } catch (error) {
      if (error instanceof Abandoned) response.destroy();
      else await this.refuse(request, response, this.refusalOf(error)).catch(() => response.destroy());
    }
  }

  private async refuse(request: IncomingMessage, response: ServerResponse, refusal: Refusal): Promise<void> {
    if (refusal.refused) this.counts.refuse(refusal.refused);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    await send(request, response, this.routes.refuse(request, refusal));
    this.linger(request);
  }

  /** A client that is still sending meets a closed connection before it reads the answer, unless it can go on for a while. */
  private linger(request: IncomingMessage): void {
    if (request.complete) return;
    const timer = setTimeout(() => request.socket.destroy(), this.limits.lingerTime);
    timer.unref();
    request.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
    request.resume();
  }

  private refusalOf(error: unknown): Refusal {
    if (error instanceof Refusal) return error;
    const status = STATUS[codeOf(error) ?? ''];
    if (status !== undefined) return new Refusal(status, (error as Error).message);
    this.logger.error(
      `a request could not be answered: ${reasonOf(error)}. If it goes on, please report it.`,
    );
    return new Refusal(
      500,
      `this could not be answered: ${reasonOf(error)}. If it goes on, please report it.`,
    );
  }
}

/** Whether a request may come in; an answer where it comes with the token in its address, which is to disappear from there. */
function enter(request: IncomingMessage, doors: Doors): Answer | undefined {
  checkSource(request, doors);
  const { path, query } = targetOf(request);
  const parameters = new URLSearchParams(query);
  const given = parameters.get('token');
  if (doors.token === undefined || given === null || request.method !== 'GET' || !doors.token.is(given)) {
    checkToken(request, doors);
    return undefined;
  }
  parameters.delete('token');
  const rest = parameters.toString();
  // Not `//host`, which would lead to another one.
  const location = `/${path.replace(/^[/\\]+/, '')}${rest === '' ? '' : `?${rest}`}`;
  return text('the token is taken', 303, { Location: location, 'Set-Cookie': doors.token.setCookie });
}
