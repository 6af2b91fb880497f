import { isNumber, isObject } from './json';
import { NotImportable, shown } from './not-importable';
import type { Run, Section } from './speedscope';
import { checkDepth, FrameCount } from './speedscope-frames';

/** What an evented profile says: frames that open and close. What is open at its end is closed there. */
export function readEvents({ profile, frames, start, end, where }: Section): Run[] {
  const { events } = profile;
  if (!Array.isArray(events)) throw new NotImportable(`${where} is evented and has no list of events`);
  const runs: Run[] = [];
  const count = new FrameCount();
  const open: number[] = [];
  let before = 0;
  const spend = (until: number): void => {
    if (until > before && open.length > 0) {
      count.add(open.length);
      runs.push({ stack: [...open], from: before, to: until });
    }
    before = until;
  };
  events.forEach((event: unknown, index) => {
    const which = `event ${index + 1} of ${events.length} in ${where}`;
    if (!isObject(event)) throw new NotImportable(`${which} is no object`);
    const { type, frame, at } = event;
    if (!isNumber(at)) throw new NotImportable(`${which} is at ${shown(at)}`);
    if (at - start < before)
      throw new NotImportable(
        `${which} is at ${at}, which is before ${start + before}: events are to follow each other`,
      );
    const place = frames.placeOf(frame, which);
    spend(at - start);
    if (type === 'O') {
      open.push(place);
      checkDepth(open.length, `the stack at ${which}`);
    } else if (type === 'C') {
      const top = open.pop();
      if (top !== place)
        throw new NotImportable(
          `${which} closes ${shown(frames.nameOf(place))}, and ${top === undefined ? 'nothing is open' : `${shown(frames.nameOf(top))} is the one that was opened last`}`,
        );
    } else throw new NotImportable(`${which} is of the type ${shown(type)}, which is neither O nor C`);
  });
  if (end - start > before) spend(end - start);
  return runs;
}
