/**
 * A colour of even lightness over all hues, as `#rrggbb`. Chroma that the screen cannot show is taken back.
 * The matrices are those of CSS Color 4, section 9.2 and 17.
 * @param lightness 0 to 1
 * @param chroma 0 (grey) to about 0.3
 * @param hue degrees
 */
export function oklch(lightness: number, chroma: number, hue: number): string {
  for (let less = chroma; ; less -= 0.005) {
    const rgb = linear(lightness, Math.max(0, less), hue);
    if (less > 0 && rgb.some((value) => value < -1e-4 || value > 1.0001)) continue;
    return `#${rgb.map(hex).join('')}`;
  }
}

function linear(lightness: number, chroma: number, hue: number): [number, number, number] {
  const angle = (hue * Math.PI) / 180;
  const a = chroma * Math.cos(angle);
  const b = chroma * Math.sin(angle);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

function hex(value: number): string {
  const clipped = Math.min(1, Math.max(0, value));
  const encoded = clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055;
  return Math.round(encoded * 255)
    .toString(16)
    .padStart(2, '0');
}
