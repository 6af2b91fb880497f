import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core';
import type { RefObject } from 'preact';
import { useLayoutEffect, useReducer, useRef } from 'preact/hooks';

/** The rows of a long list that are in sight. */
export interface VirtualRows {
  /** Each with its place below the head, in pixels. */
  items: { index: number; top: number }[];
  /** Height of all rows, in pixels. */
  height: number;
  /** Scrolls to a row that is out of sight: as little as needed, or until it is in the middle. */
  show(index: number, align?: 'auto' | 'center'): void;
}

/** Rows above and below the visible ones that are there too, so that scrolling shows no gaps. */
const OVERSCAN = 12;

/**
 * Draws only the rows in sight of a list of `count` rows that scrolls in `scroller`, below a head that stays.
 * @param rowHeight of each row, and of the head, in pixels
 */
export function useVirtual(
  scroller: RefObject<HTMLElement | null>,
  count: number,
  rowHeight: number,
): VirtualRows {
  const [, draw] = useReducer((drawn: number) => drawn + 1, 0);
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: OVERSCAN,
    scrollMargin: rowHeight,
    scrollPaddingStart: rowHeight,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => draw(undefined),
  };
  const held = useRef<Virtualizer<HTMLElement, HTMLElement> | undefined>(undefined);
  held.current ??= new Virtualizer<HTMLElement, HTMLElement>(options);
  const virtualizer = held.current;
  virtualizer.setOptions(options);
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  return {
    items: virtualizer.getVirtualItems().map(({ index, start }) => ({ index, top: start - rowHeight })),
    height: virtualizer.getTotalSize(),
    show: (index, align = 'auto') => {
      const { scrollTop = 0, clientHeight = 0 } = scroller.current ?? {};
      const top = index * rowHeight;
      const isInSight = top >= scrollTop && top + 2 * rowHeight <= scrollTop + clientHeight;
      if (!isInSight) virtualizer.scrollToIndex(index, { align });
    },
  };
}
