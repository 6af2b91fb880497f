import type { JSX } from 'preact';
import { change, view } from '../state/page.js';
import { FRAME_SIZES, type FrameSize } from '../state/view.js';

const NAMES: Record<FrameSize, string> = {
  function: 'Functions',
  line: 'Lines',
  file: 'Files',
  package: 'Packages',
};

/** What one frame stands for. */
export function FrameSizes(): JSX.Element {
  return (
    <label class="choice">
      <span class="muted">Frames</span>
      <select
        value={view.value.frames}
        onChange={({ currentTarget }) =>
          change({ frames: currentTarget.value as FrameSize, zoom: undefined, selected: undefined })
        }
      >
        {FRAME_SIZES.map((size) => (
          <option key={size} value={size}>
            {NAMES[size]}
          </option>
        ))}
      </select>
    </label>
  );
}
