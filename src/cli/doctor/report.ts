import { reasonOf } from '../../log';

/** `failure`: with it no profile arrives. `warning`: something is lost or not as somebody meant it. `note`: good to know. */
export type State = 'ok' | 'note' | 'warning' | 'failure';

/** One thing that was looked at. */
export interface Finding {
  /** The same for the same check in each version. */
  id: string;
  state: State;
  /** Whole sentences. */
  text: string;
  /** What to do; whole sentences. */
  remedy?: string;
}

/** What a part of the doctor has found: figures for `--json`, and findings. */
export interface Part<Facts> {
  facts: Facts;
  findings: Finding[];
}

export function finding(state: State, id: string, text: string, remedy?: string): Finding {
  return { id, state, text, ...(remedy === undefined ? {} : { remedy }) };
}

/** A check that could not be made is a finding itself: the others go on. */
export async function attempt<Facts>(
  id: string,
  facts: Facts,
  check: () => Part<Facts> | Promise<Part<Facts>>,
): Promise<Part<Facts>> {
  try {
    return await check();
  } catch (error) {
    return { facts, findings: [finding('warning', id, `This could not be checked: ${reasonOf(error)}.`)] };
  }
}
