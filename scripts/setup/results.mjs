/** The results of a step's tests. */
export const NO_TESTS = Object.freeze({ passed: 0, failed: 0, skipped: 0 });

export function addResults(a, b) {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/** Counts what `cargo test` reports: one "test result" line for each test binary. */
export function countCargoTests(output) {
  let total = NO_TESTS;
  for (const match of output.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;/gm)) {
    total = addResults(total, {
      passed: Number(match[1]),
      failed: Number(match[2]),
      skipped: Number(match[3]),
    });
  }
  return total;
}

/** Counts TAP test lines; a test that carries a SKIP or TODO directive was skipped, whatever its result. */
export function countTapTests(output) {
  const total = { ...NO_TESTS };
  for (const match of output.matchAll(/^(not )?ok\b(.*)$/gm)) {
    if (/# (SKIP|TODO)\b/i.test(match[2])) total.skipped += 1;
    else if (match[1] === undefined) total.passed += 1;
    else total.failed += 1;
  }
  return total;
}

/**
 * The tests of a TAP stream that failed, each with its log and diagnostics. Empty where none is named, as when the program
 * was ended from outside.
 */
export function failedTapTests(output) {
  return output
    .split(/^(?=(?:not )?ok\b|1\.\.)/m)
    .filter((part) => /^not ok\b(?!.*# (?:SKIP|TODO)\b)/i.test(part))
    .join('');
}

/** The last line of a test run: `N passed, N failed`, and what was skipped if anything was. */
export function summaryLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
