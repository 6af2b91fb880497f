import type { Logger } from '../log';
import type { Voice } from './lane';
import type { Exporter } from './upload';

/** The same is not said again before that. */
const QUIET_MILLISECONDS = 10 * 60 * 1000;

/** Says what becomes of uploads: each trouble once, and again only when it was gone and some time is over. */
export class LoggedVoice implements Voice {
  private readonly said = new Map<string, number>();
  /** Destinations whose failing was told of, and not yet that it is over. */
  private readonly told = new Set<string>();

  constructor(
    private readonly logger: Logger,
    /** Where uploads wait, in words. */
    private readonly waitingPlace: string,
    /** In milliseconds, by a clock that nobody sets. */
    private readonly now: () => number = () => performance.now(),
  ) {}

  failing(exporter: Exporter, reason: string, remedy = remedyOf(exporter)): void {
    if (!this.isDue(`failing ${exporter.destination}`)) return;
    this.told.add(exporter.destination);
    this.logger.warn(
      `profiles cannot be sent to ${placeOf(exporter)}: ${reason}. ${this.waitingPlace} ${remedy}`,
    );
  }

  recovered(exporter: Exporter, waiting: number): void {
    // Of one that comes and goes every minute the first time was told; nobody wants to read of each return.
    if (!this.told.delete(exporter.destination)) return;
    const rest = waiting > 0 ? `; ${waiting} that waited follow` : '';
    this.logger.info(`profiles are sent to ${placeOf(exporter)} again${rest}.`);
  }

  /** It takes others: by now that was said. */
  passedOver(exporter: Exporter, failures: number): void {
    if (!this.isDue(`passed over ${exporter.destination}`)) return;
    this.logger.warn(
      `a profile is passed over: ${placeOf(exporter)} has failed on it ${failures} times, and takes others. It is tried again later.`,
    );
  }

  /** `isPart`: what else there is of it has been taken. */
  refused(exporter: Exporter, reason: string, remedy: string, isPart = false): void {
    // Not by the reason: it has the receiver's own words, which may be others each time.
    if (!this.isDue(`refused ${exporter.destination} ${remedy}`)) return;
    this.logger.error(
      `${placeOf(exporter)} refuses ${isPart ? 'a part of ' : ''}a profile: ${reason}. It is dropped. ${remedy}`,
    );
  }

  tooLarge(exporter: Exporter, reason: string, pieces: number): void {
    if (!this.isDue(`too large ${exporter.destination} ${pieces}`)) return;
    this.logger.warn(
      `a profile is too large for ${placeOf(exporter)}: ${reason}. From now on each is sent in ${pieces} parts, with the same sums. A lower rate (EVERFLAME_RATE) or period (DD_PROFILING_UPLOAD_INTERVAL) makes them smaller.`,
    );
  }

  notice(exporter: Exporter, notice: string): void {
    if (!this.isDue(`notice ${exporter.destination}`)) return;
    this.logger.warn(`${placeOf(exporter)} has taken a profile and says: ${notice}`);
  }

  /** The spool cannot be used. */
  spoolFailing(folder: string, reason: string): void {
    if (!this.isDue('spool')) return;
    this.logger.warn(
      `profiles that cannot be sent are not kept in ${folder}: ${reason}. They wait in memory, some of them. Name a folder that can be written with EVERFLAME_SPOOL_DIR=<dir>, or set EVERFLAME_SPOOL=off.`,
    );
  }

  /** No request can be made of a profile. */
  unfit(exporter: Exporter, reason: string): void {
    if (!this.isDue(`unfit ${exporter.destination}`)) return;
    this.logger.error(
      `a profile cannot be brought into the form for ${placeOf(exporter)}: ${reason}. It is dropped. Please report this line.`,
    );
  }

  damaged(path: string, reason: string): void {
    if (!this.isDue('damaged')) return;
    this.logger.warn(`a profile that waited in ${path} is damaged (${reason}) and is removed.`);
  }

  gone(path: string): void {
    if (!this.isDue('gone')) return;
    this.logger.warn(
      `a profile that waited in ${path} is gone: something else has removed it, unless a process that held this one for ended has sent it. EVERFLAME_SPOOL_DIR=<dir> names a folder that nobody cleans.`,
    );
  }

  lost(count: number): void {
    if (!this.isDue('lost')) return;
    this.logger.warn(`dropped ${counted(count)} that could not be sent: more do not fit into memory.`);
  }

  /** The time for the end is over. Without a spool it was told of receivers that fail that what waits is lost. */
  lostAtEnd(count: number, exporters: readonly Exporter[], hasSpool: boolean): void {
    if (!hasSpool && exporters.every(({ destination }) => this.told.has(destination))) return;
    const spool = hasSpool ? 'the spool cannot be written' : 'there is no spool (EVERFLAME_SPOOL)';
    const reason = `${exporters.map(placeOf).join(' and ')} has not taken them by then, and ${spool}`;
    this.logger.error(
      `the end of the process came before ${counted(count)} could be sent, and nothing can be kept: ${reason}. What was not sent is lost. A longer EVERFLAME_EXIT_TIMEOUT may help.`,
    );
  }

  private isDue(trouble: string): boolean {
    const last = this.said.get(trouble);
    const now = this.now();
    if (last !== undefined && now - last < QUIET_MILLISECONDS) return false;
    this.said.set(trouble, now);
    return true;
  }
}

/** `1 profile`, or more. */
export function counted(count: number): string {
  return count === 1 ? '1 profile' : `${count} profiles`;
}

/** A receiver in words. */
export function placeOf({ name, destination }: Exporter): string {
  switch (name) {
    case 'pyroscope':
      return `Pyroscope at ${destination}`;
    case 'otlp':
      return `the OTLP receiver at ${destination}`;
    default:
      return destination;
  }
}

function remedyOf({ name, unreachable }: Exporter): string {
  if (unreachable !== undefined) return unreachable;
  return name === 'pyroscope'
    ? 'Check that Pyroscope runs, and PYROSCOPE_SERVER_ADDRESS.'
    : 'Check that the receiver runs, and OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT.';
}
