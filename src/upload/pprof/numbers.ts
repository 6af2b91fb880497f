/** Numbers things in order of first use. */
export class Numbers<T> {
  readonly used: T[] = [];
  private readonly numbers = new Map<T, number>();

  /** `first` is the number of the first one: zero often means none. */
  constructor(private readonly first: number) {}

  of(item: T): number {
    let number = this.numbers.get(item);
    if (number === undefined) {
      number = this.used.push(item) - 1 + this.first;
      this.numbers.set(item, number);
    }
    return number;
  }
}
