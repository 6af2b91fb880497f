/** What turns the direction of the text behind it (Unicode, UAX #9). */
const TURNS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * A name with a sign in place of each of these: on a canvas they would turn round what is written behind the name too, such as its
 * share, and a profile may have any name.
 */
export function leftToRight(name: string): string {
  return name.replace(TURNS, '\ufffd');
}
