import { readdirSync, rmSync } from 'node:fs';
import { resolveDelivery } from '../../config/resolve-delivery';
import { type Logger, reasonOf } from '../../log';
import { processPath, runtimeIdIn } from '../../output/process-name';
import { UNNAMED } from '../../provenance/service-name';
import { identityTags } from '../../upload/event';
import { identityOf } from '../../upload/identity';
import { hasEndedHere } from '../../upload/owner';
import { readSeed } from '../../upload/spooled-seed';
import type { Upload } from '../store';

type Owner = Pick<Upload, 'service' | 'tags' | 'client'>;

/** Whose the profiles of an inbox are: their processes have left word beside them. */
export class Processes {
  private readonly known = new Map<string, Owner>();

  constructor(
    private readonly folder: string,
    private readonly logger: Logger,
  ) {}

  /** The owner of a profile; of one that nobody has left word of, no more than its process number is known. */
  ownerOf(runtimeId: string | undefined, pid: number): Owner {
    const found = runtimeId === undefined ? undefined : (this.known.get(runtimeId) ?? this.read(runtimeId));
    return found ?? { service: UNNAMED, tags: [['process_id', String(pid)]], client: 'everflame' };
  }

  /** Removes the word of processes that have ended and whose profiles are gone. Throws the system's error. */
  tidy(): void {
    const names = readdirSync(this.folder);
    const ids = names.map(runtimeIdIn).filter((id) => id !== undefined);
    for (const id of this.known.keys()) if (!ids.includes(id)) this.known.delete(id);
    for (const id of ids) {
      const seed = readSeed(processPath(this.folder, id), id);
      if (!seed || !hasEndedHere(seed)) continue;
      const isLeft = names.some((name) => name.startsWith(`profile.${seed.pid}.`));
      if (!isLeft) rmSync(processPath(this.folder, id), { force: true });
    }
  }

  private read(runtimeId: string): Owner | undefined {
    const path = processPath(this.folder, runtimeId);
    try {
      const seed = readSeed(path, runtimeId);
      if (!seed) return undefined;
      const { configuration } = resolveDelivery(seed.options, seed.environment);
      const identity = identityOf(seed, configuration, true).value;
      const tags = identityTags(identity).filter(([key]) => key !== 'service' && key !== 'format');
      const owner: Owner = {
        service: identity.service,
        tags: tags.map(([key, value]) => [key, value]),
        client: `everflame/${identity.profilerVersion}`,
      };
      this.known.set(runtimeId, owner);
      return owner;
    } catch (error) {
      this.logger.warn(
        `${path} does not say whose profiles are beside it: ${reasonOf(error)}. They are kept without its service and tags; to be rid of this line, remove the file.`,
      );
      return undefined;
    }
  }
}
