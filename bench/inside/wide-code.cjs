// Generated code as a large service has it: a shared trunk of calls, then branches that fan out into thousands of
// functions, so that most samples have a stack of their own.
const { runInThisContext } = require('node:vm');

const TRUNK = 24;
const LEVELS = 8;
const FUNCTIONS_PER_LEVEL = 250;

function source() {
  const lines = [];
  for (let level = 0; level < LEVELS; level += 1) {
    for (let index = 0; index < FUNCTIONS_PER_LEVEL; index += 1) {
      const next =
        level === LEVELS - 1
          ? 'return burn(seed);'
          : `const next = (seed * 48271 + ${index}) % 2147483647; return level${level + 1}[next % ${FUNCTIONS_PER_LEVEL}](next);`;
      lines.push(`function branch_${level}_${index}(seed) { ${next} }`);
    }
    const names = Array.from({ length: FUNCTIONS_PER_LEVEL }, (_, index) => `branch_${level}_${index}`);
    lines.push(`const level${level} = [${names.join(', ')}];`);
  }
  for (let depth = 0; depth < TRUNK; depth += 1) {
    const call =
      depth === TRUNK - 1 ? `level0[seed % ${FUNCTIONS_PER_LEVEL}](seed)` : `trunk_${depth + 1}(seed)`;
    lines.push(`function trunk_${depth}(seed) { return ${call} + 1; }`);
  }
  lines.push(
    'function burn(seed) { let sum = seed; for (let i = 0; i < 3000; i++) sum = (sum * 31 + i) | 0; return sum; }',
  );
  return `(() => { ${lines.join('\n')}\nreturn trunk_0; })()`;
}

/** Calls one path of the generated code, chosen by the seed; a few microseconds of work. */
exports.walk = runInThisContext(source(), { filename: 'generated-service.js' });
