/** Stands for the file of a function of which only the name is told: without any, it would be taken for one of V8's own. */
const NO_FILE = '(no file)';

/** The file of a frame by its name, where the format tells none: what stands in brackets is no function but a state, or a binary. */
export function fileOfName(name: string): string {
  return /^[([<]/.test(name) || /^garbage collect/i.test(name) ? '' : NO_FILE;
}
