import { Refusal } from '../http/refusal';

/** The parameters of a query. Whoever reads them gets them valid, or a Refusal that names the parameter and what is allowed. */
export class Parameters {
  private readonly known = new Set<string>();

  /** `within` is put before names in messages: of a selection that is a parameter itself. */
  constructor(
    private readonly given: URLSearchParams,
    private readonly within = '',
  ) {}

  /** One that is there once at most; undefined where it is not. */
  text(name: string): string | undefined {
    const all = this.texts(name);
    if (all.length > 1) throw this.bad(name, `is there ${all.length} times. Give it once.`);
    return all[0];
  }

  texts(name: string): string[] {
    this.known.add(name);
    return this.given.getAll(name);
  }

  required(name: string, what: string): string {
    const value = this.text(name);
    if (value === undefined || value === '') throw this.bad(name, `is missing. Give ${what}.`);
    return value;
  }

  choice<Value extends string>(name: string, values: readonly Value[], otherwise: Value): Value {
    const value = this.text(name) ?? otherwise;
    const found = values.find((allowed) => allowed === value);
    if (found === undefined) throw this.bad(name, `is ${shown(value)}. Give ${values.join(', ')}.`);
    return found;
  }

  /** A whole number. */
  count(name: string, least: number, most: number, otherwise: number): number {
    const text = this.text(name);
    if (text === undefined) return otherwise;
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most))
      throw this.bad(name, `is ${shown(text)}. Give a whole number from ${least} to ${most}.`);
    return value;
  }

  /** Milliseconds, fractions allowed, of an instant that a Date can be. */
  time(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^\d{1,16}(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (!(value <= LATEST))
      throw this.bad(name, `is ${shown(text)}. Give milliseconds since 1970, such as ${Date.now()}.`);
    return value;
  }

  /** Throws a Refusal for what nobody has read. */
  end(): void {
    for (const name of this.given.keys()) {
      if (!this.known.has(name)) {
        const allowed = this.known.size > 0 ? `Give ${[...this.known].join(', ')}` : 'Give none';
        throw this.bad(name, `is no parameter here. ${allowed}.`);
      }
    }
  }

  bad(name: string, sentence: string): Refusal {
    return new Refusal(400, `${this.within}${name.slice(0, 60)} ${sentence}`);
  }
}

/** The last instant of a Date (ECMA-262, "Time Values and Time Range"). */
const LATEST = 8.64e15;

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
