import type { FrameKind } from '../../api/tree.js';
import { oklch } from './oklch.js';

export type Theme = 'dark' | 'light';

/** Lightness, chroma and hue. */
type Color = readonly [number, number, number];

/** What a node of a difference can be. */
export type Change = 'more' | 'less' | 'same' | 'only-a' | 'only-b';

/** On the light ground the text is dark, on the dark one it is light; the lightness of a fill leaves a contrast of 4.5 at the least. */
const KINDS: Record<Theme, Record<FrameKind, Color>> = {
  light: {
    app: [0.8, 0.125, 65],
    package: [0.8, 0.085, 255],
    node: [0.84, 0.1, 150],
    native: [0.83, 0.015, 290],
    gc: [0.75, 0.13, 20],
    group: [0.89, 0.025, 95],
  },
  dark: {
    app: [0.51, 0.11, 60],
    package: [0.46, 0.09, 255],
    node: [0.46, 0.08, 155],
    native: [0.42, 0.015, 290],
    gc: [0.47, 0.13, 20],
    group: [0.36, 0.02, 95],
  },
};

/** Red is more, green is less, blue is only in A and purple only in B. */
const CHANGES: Record<Theme, Record<Change, Color>> = {
  light: {
    more: [0.7, 0.16, 25],
    less: [0.76, 0.16, 148],
    same: [0.89, 0.008, 270],
    'only-a': [0.74, 0.11, 250],
    'only-b': [0.74, 0.13, 315],
  },
  dark: {
    more: [0.5, 0.16, 25],
    less: [0.48, 0.12, 150],
    same: [0.36, 0.008, 270],
    'only-a': [0.48, 0.13, 255],
    'only-b': [0.48, 0.15, 315],
  },
};

/** Orange against blue, which every common kind of colour blindness tells apart; what is in one selection only is yellow, or a darker blue. */
const SAFE_CHANGES: Record<Theme, Record<Change, Color>> = {
  light: {
    more: [0.72, 0.16, 52],
    less: [0.8, 0.1, 230],
    same: [0.92, 0.004, 270],
    'only-a': [0.66, 0.13, 260],
    'only-b': [0.9, 0.15, 102],
  },
  dark: {
    more: [0.43, 0.12, 42],
    less: [0.5, 0.09, 230],
    same: [0.34, 0.004, 270],
    'only-a': [0.4, 0.15, 265],
    'only-b': [0.54, 0.11, 102],
  },
};

/** Neighbours of one kind differ by a shade, so that they do not look like one frame. */
export const SHADES = 3;

const PACKAGE_HUES = 24;

/** Text on a frame. */
export const FRAME_TEXT: Record<Theme, string> = { light: '#1c1b20', dark: '#f6f4ef' };

const PACKAGE: Record<Theme, readonly [number, number]> = { light: [0.82, 0.085], dark: [0.46, 0.085] };

export function kindColor(theme: Theme, kind: FrameKind, shade = 1): string {
  const [lightness, chroma, hue] = KINDS[theme][kind];
  return oklch(lightness + (shade - 1) * 0.022, chroma, hue);
}

/** @param strength 0 to 1: how far from the colour of what is the same */
export function changeColor(theme: Theme, change: Change, strength: number, safe: boolean): string {
  const colors = (safe ? SAFE_CHANGES : CHANGES)[theme];
  const [lightness, chroma, hue] = colors[change];
  const [sameLightness, sameChroma] = colors.same;
  return oklch(
    sameLightness + (lightness - sameLightness) * strength,
    sameChroma + (chroma - sameChroma) * strength,
    hue,
  );
}

/** The same name always has the same hue, in every graph and on every day. */
export function packageColor(theme: Theme, name: string, shade = 1): string {
  const [lightness, chroma] = PACKAGE[theme];
  return oklch(lightness + (shade - 1) * 0.018, chroma, (hash(name) % PACKAGE_HUES) * (360 / PACKAGE_HUES));
}

/** FNV-1a over UTF-16 units, with its bits mixed once more: names that differ in the last character get hues far apart. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return (value ^ (value >>> 13)) >>> 0;
}
