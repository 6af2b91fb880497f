import type { Parcel } from './parcel';

/** So often in a row a receiver fails on one profile before another is tried. */
const MOST_IN_A_ROW = 4;
/** Most profiles that are passed over at a time. */
const MOST_ASIDE = 64;

/** A profile that is passed over. */
interface Aside {
  failures: number;
  /** When it is tried again, by a clock that nobody sets. */
  due: number;
}

/**
 * Whose turn it is at a receiver: the oldest one's. But one on which the receiver fails time and again must not hold up all others,
 * so another is tried right after it: if that one is taken, the receiver is well, and the first is passed over until its own pause is
 * over. If that one fails too, the receiver is not well, and after the usual pause it is the oldest one's turn again.
 */
export class Turn {
  /** The oldest, while the receiver fails on it. */
  private blamed: { parcel: Parcel; row: number; failures: number } | undefined;
  /** What was tried last in its place. */
  private tried: Parcel | undefined;
  private readonly aside = new Map<Parcel, Aside>();

  /** `parcels` are all that wait, the oldest first. Undefined where all of them are passed over. */
  next(parcels: readonly Parcel[], now: number, isFailing: boolean): Parcel | undefined {
    const ordered = parcels.filter((parcel) => !this.aside.has(parcel));
    // Where the receiver takes nothing, to try these beside the oldest would be in vain.
    if (!isFailing || ordered.length === 0) {
      const due = parcels.find((parcel) => (this.aside.get(parcel)?.due ?? now + 1) <= now);
      if (due) return due;
    }
    const [oldest, second] = ordered;
    if (oldest === undefined || oldest !== this.blamed?.parcel || this.blamed.row < MOST_IN_A_ROW)
      return oldest;
    // Not the same one each time: the receiver may fail on that one as well.
    const place = this.tried ? ordered.indexOf(this.tried) : 0;
    this.tried = ordered[place + 1] ?? second;
    return this.tried ?? oldest;
  }

  /** When the first of those that are passed over is tried again; undefined where there is none. */
  get due(): number | undefined {
    const times = [...this.aside.values()].map(({ due }) => due);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  /** How often one that is passed over has failed; undefined for any other. */
  failuresOf(parcel: Parcel): number | undefined {
    return this.aside.get(parcel)?.failures;
  }

  /** One that is passed over has failed again. */
  putOff(parcel: Parcel, due: number): void {
    const failures = (this.aside.get(parcel)?.failures ?? 0) + 1;
    this.aside.set(parcel, { failures, due });
  }

  /**
   * Another one was not taken. `isOfProfile` says that it may be for what is in it: the receiver was reached. Returns whether the next
   * one is to be tried at once.
   */
  failed(parcel: Parcel, isOfProfile: boolean, parcels: readonly Parcel[]): boolean {
    if (parcel === this.tried && this.blamed) {
      this.blamed.row = 0;
      return false;
    }
    if (this.blamed?.parcel !== parcel) this.blamed = { parcel, row: 0, failures: 0 };
    this.blamed.failures += 1;
    this.blamed.row = isOfProfile ? this.blamed.row + 1 : 0;
    return (
      this.blamed.row >= MOST_IN_A_ROW && parcels.some((other) => other !== parcel && !this.aside.has(other))
    );
  }

  /** The receiver has taken one, so it is well. Returns the one that is passed over for that, and how often it has failed. */
  taken(parcel: Parcel): { parcel: Parcel; failures: number } | undefined {
    const { blamed } = this;
    const isPassed = blamed !== undefined && blamed.parcel !== parcel && parcel === this.tried;
    this.blamed = undefined;
    this.tried = undefined;
    this.aside.delete(parcel);
    return isPassed ? blamed : undefined;
  }

  /** Passes one over until then. */
  passOver(parcel: Parcel, failures: number, due: number): void {
    const [first] = this.aside.keys();
    if (this.aside.size >= MOST_ASIDE && first) this.aside.delete(first);
    this.aside.set(parcel, { failures, due });
  }

  /** It is gone. */
  drop(parcel: Parcel): void {
    this.aside.delete(parcel);
    if (this.blamed?.parcel === parcel) this.blamed = undefined;
    if (this.tried === parcel) this.tried = undefined;
  }
}
