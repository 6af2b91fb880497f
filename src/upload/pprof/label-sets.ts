import type { Label, LabelSet } from './model';

/** Sets of labels, each once: equal ones have the same place. */
export class LabelSets {
  readonly sets: LabelSet[] = [];
  private readonly labels = new Map<string, Map<string | bigint, number>>();
  private labelCount = 0;
  /** By the labels of a set one after the other; a node without a place is only the beginning of sets. */
  private readonly root: Node = { next: new Map() };

  /** The place of a set. Sets are equal where their labels are, in the same order. */
  intern(set: LabelSet): number {
    let node = this.root;
    for (const label of set) {
      const number = this.numberOf(label);
      let next = node.next.get(number);
      if (!next) {
        next = { next: new Map() };
        node.next.set(number, next);
      }
      node = next;
    }
    node.place ??= this.sets.push(set) - 1;
    return node.place;
  }

  private numberOf(label: Label): number {
    let ofKey = this.labels.get(label.key);
    if (!ofKey) {
      ofKey = new Map();
      this.labels.set(label.key, ofKey);
    }
    const content = 'text' in label ? label.text : label.number;
    let number = ofKey.get(content);
    if (number === undefined) {
      number = this.labelCount++;
      ofKey.set(content, number);
    }
    return number;
  }
}

interface Node {
  next: Map<number, Node>;
  place?: number;
}

/** What a rule makes of the label sets of a profile. */
export interface Relabelled {
  sets: LabelSet[];
  /** By the place of the old set: the place of the new one. Several old sets may have the same. */
  placeOf: number[];
}

/** Gives each label set of a profile to a rule. */
export function relabel(sets: readonly LabelSet[], rule: (set: LabelSet) => LabelSet): Relabelled {
  const relabelled = new LabelSets();
  const placeOf = sets.map((set) => relabelled.intern(rule(set)));
  return { sets: relabelled.sets, placeOf };
}
