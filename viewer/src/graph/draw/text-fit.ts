const ELLIPSIS = '…';

/** Shortens text to a width. Measures each character once and never a whole text, which would cost more than drawing it. */
export class TextFit {
  private readonly widths = new Map<string, number>();

  /** @param measure width of a text in the font that is drawn with */
  constructor(private readonly measure: (text: string) => number) {}

  width(text: string): number {
    let width = 0;
    for (const character of text) width += this.characterWidth(character);
    return width;
  }

  /** The text, or as much of its beginning as fits with an ellipsis, or nothing where not even one character fits. */
  fit(text: string, available: number): string {
    const room = available - this.characterWidth(ELLIPSIS);
    let width = 0;
    let length = 0;
    let cut = 0;
    for (const character of text) {
      width += this.characterWidth(character);
      length += character.length;
      if (width <= room) cut = length;
      if (width > available) return cut === 0 ? '' : text.slice(0, cut) + ELLIPSIS;
    }
    return text;
  }

  private characterWidth(character: string): number {
    let width = this.widths.get(character);
    if (width === undefined) {
      width = this.measure(character);
      this.widths.set(character, width);
    }
    return width;
  }
}
