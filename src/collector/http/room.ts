import { notNow } from './refusal';

/** The memory that requests may hold together, in bytes. */
export class Room {
  private held = 0;

  constructor(private readonly most: number) {}

  /** Bytes that requests hold now. */
  get used(): number {
    return this.held;
  }

  /** A request's own part, empty at first. */
  share(): Share {
    let own = 0;
    return {
      take: (bytes) => {
        if (this.held + bytes > this.most) {
          throw notNow('more profiles arrive than can be kept at once. Send this one again later.', 'busy');
        }
        own += bytes;
        this.held += bytes;
      },
      giveBack: () => {
        this.held -= own;
        own = 0;
      },
    };
  }
}

/** What one request holds. */
export interface Share {
  /** Throws a Refusal where there is no room for it. */
  take(bytes: number): void;
  /** All of it, when the request is over. */
  giveBack(): void;
}
