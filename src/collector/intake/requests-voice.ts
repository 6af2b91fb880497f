import type { Logger } from '../../log';

/** Services of which it is remembered that they were told of. */
const MOST_SERVICES = 100;

/** Tells of counts of requests that are left out: once for each service, as the next upload has the same fault. */
export class RequestsVoice {
  private readonly told = new Set<string>();

  constructor(private readonly logger: Logger) {}

  leftOut(service: string, client: string, why: string): void {
    if (this.told.has(service) || this.told.size >= MOST_SERVICES) return;
    this.told.add(service);
    this.logger.warn(
      `requests of ${JSON.stringify(service)} are not counted: ${why}. Its profiles are kept; update its client, ${JSON.stringify(client)}.`,
    );
  }
}
