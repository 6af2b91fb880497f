import type { Files } from '../import/files';
import { Refusal } from './http/refusal';
import { parsed, type Store } from './store';

interface Services {
  services: { name: string }[];
}

/** What questions are asked of: the store of what is collected, and beside it that of files that were dropped on the page. */
export class ShownStores {
  constructor(
    private readonly collected: Store,
    private readonly files: Files,
  ) {}

  /** The store that a question is for, by the service that it names. Throws a Refusal for two that lie in different ones. */
  storeOf(query: string): Store {
    const given = new URLSearchParams(query);
    const [of, ...others] = [given.get('service'), serviceIn(given.get('a')), serviceIn(given.get('b'))]
      .filter((service) => service !== null)
      .map((service) => this.storeOfService(service));
    if (others.some((store) => store !== of))
      throw new Refusal(
        400,
        'a file that was dropped on the page can be compared with another such file, and not with what was collected: drop that as a file too.',
      );
    return of ?? this.collected;
  }

  /** Of all stores, as JSON. */
  async services(): Promise<Buffer> {
    if (this.files.store === undefined) return this.collected.services();
    return Buffer.from(JSON.stringify(await this.all()));
  }

  private async all(): Promise<Services> {
    const { store } = this.files;
    const collected = await parsed<Services>(this.collected.services());
    const ofFiles =
      store && store !== this.collected ? await parsed<Services>(store.services()) : { services: [] };
    const services = [...collected.services, ...ofFiles.services].filter(
      ({ name }) => !this.files.isHidden(name),
    );
    return { services };
  }

  /** Of all services. */
  async names(): Promise<Set<string>> {
    return new Set((await this.all()).services.map(({ name }) => name));
  }

  private storeOfService(service: string): Store {
    return (this.files.has(service) ? this.files.store : undefined) ?? this.collected;
  }
}

/** The service of a selection that is a query string of its own. */
function serviceIn(selection: string | null): string | null {
  return selection === null ? null : new URLSearchParams(selection).get('service');
}
