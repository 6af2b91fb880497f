import { MOST_VALUE } from './limits';
import { NotImportable } from './not-importable';

/**
 * Makes whole numbers of values with fractions: it is their running sum that is rounded, so that what comes out adds up to the
 * whole, however small each is.
 */
export class WholeNumbers {
  private sum = 0;
  private given = 0;

  /** `unit` is that of the values, for the message of a sum that is too large. */
  constructor(private readonly unit: string) {}

  /** The next value. Throws NotImportable where the sum can no longer be told exactly. */
  next(value: number): number {
    this.sum += value;
    const until = Math.round(this.sum);
    if (until > MOST_VALUE)
      throw new NotImportable(
        `its values add up to more than ${MOST_VALUE.toLocaleString('en')} ${this.unit}, which no counter is exact to`,
      );
    const whole = until - this.given;
    this.given = until;
    return whole;
  }
}
