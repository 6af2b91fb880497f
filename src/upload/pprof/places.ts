/** Numbers the places of a table in order of first use, from one on: zero is none. */
export class UsedPlaces {
  readonly used: number[] = [];
  private readonly numbers: Uint32Array;

  constructor(tableLength: number) {
    this.numbers = new Uint32Array(tableLength);
  }

  of(place: number): number {
    const known = this.numbers[place];
    if (known) return known;
    const number = this.used.push(place);
    this.numbers[place] = number;
    return number;
  }
}
