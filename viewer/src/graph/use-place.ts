import type { RefObject } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { placeBox } from './place-box.js';

/** Puts a box of fixed position beside a point of the window. The box is not shown before its size is known. */
export function usePlace(
  at: { clientX: number; clientY: number },
  content: unknown,
): { box: RefObject<HTMLDivElement | null>; style: Record<string, string>; placed: boolean } {
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<{ left: number; top: number }>();
  useLayoutEffect(() => {
    if (!box.current) return;
    const { width, height } = box.current.getBoundingClientRect();
    setPlace(placeBox(at, { width, height }, { width: window.innerWidth, height: window.innerHeight }));
  }, [at, content]);
  return {
    box,
    placed: place !== undefined,
    style: place
      ? { left: `${place.left}px`, top: `${place.top}px` }
      : { left: '0', top: '0', visibility: 'hidden' },
  };
}
