import type { Frames, Tree } from '../../api/tree.js';
import { framesOfPackage } from './functions.js';
import { rebuild } from './rebuild.js';

/** Frames of a package that call one another become one frame with the package's name. */
export function mergePackage(tree: Tree, wanted: string): Tree {
  const merged = framesOfPackage(tree.frames, wanted);
  const first = merged.indexOf(1);
  if (first < 0) return tree;
  const { frames, frame: packageFrame } = withPackage(tree.frames, wanted, first);
  return rebuild(
    tree,
    (builder, node, parent) => {
      if (node === 0) return parent;
      const frame = tree.frame[node] as number;
      if (!merged[frame]) return builder.child(parent, frame);
      return builder.frame(parent) === packageFrame ? parent : builder.child(parent, packageFrame);
    },
    frames,
  );
}

function withPackage(frames: Frames, name: string, example: number): { frames: Frames; frame: number } {
  const known = frames.package.findIndex(
    (text, frame) => text === name && frames.name[frame] === name && frames.file[frame] === '',
  );
  if (known >= 0) return { frames, frame: known };
  return {
    frames: {
      name: [...frames.name, name],
      file: [...frames.file, ''],
      line: [...frames.line, 0],
      kind: [...frames.kind, frames.kind[example] as Frames['kind'][number]],
      package: [...frames.package, name],
    },
    frame: frames.name.length,
  };
}
