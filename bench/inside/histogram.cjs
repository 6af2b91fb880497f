// The histogram of the time in the signal handler, as metrics() gives it: buckets by their lower bound in nanoseconds,
// empty ones left out, four to a power of two.

/** Where a bucket ends and the next begins. */
function upperBound(nanoseconds) {
  return nanoseconds + 2 ** Math.floor(Math.log2(nanoseconds)) / 4;
}

/** What came into each bucket between two readings. */
exports.between = (before, after) => {
  const earlier = new Map(before.map(({ nanoseconds, count }) => [nanoseconds, count]));
  return after
    .map(({ nanoseconds, count }) => ({ nanoseconds, count: count - (earlier.get(nanoseconds) ?? 0) }))
    .filter(({ count }) => count > 0);
};

/** The time, in microseconds, that a share of the calls did not take longer than: the upper bound of its bucket. */
function quantile(buckets, share) {
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  let seen = 0;
  for (const { nanoseconds, count } of buckets) {
    seen += count;
    if (seen >= total * share) return upperBound(nanoseconds) / 1000;
  }
  return undefined;
}
exports.quantile = quantile;

/**
 * The least CPU time, in nanoseconds, that the calls took together: each by the lower bound of its bucket, and none more
 * than half of them did. The handler is timed by the clock on the wall, so a call that was put off its CPU looks as long
 * as somebody else ran; with timers that fire on the kernel's tick that is more than one in a hundred.
 */
exports.leastSum = (buckets) => {
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  let seen = 0;
  let sum = 0;
  for (const { nanoseconds, count } of buckets) {
    seen += count;
    sum += count * nanoseconds;
    if (seen >= total / 2) return sum + (total - seen) * nanoseconds;
  }
  return sum;
};
