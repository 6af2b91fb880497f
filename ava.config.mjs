/** Those that take longest, longest first: one that began last would be at work alone in the end. */
const LONGEST = ['upload/exits', 'upload/lifecycle', 'upload/processes', 'laws/source-maps'].map(
  (name) => `/${name}.spec.ts`,
);

/** Where a file stands: its place among the longest, and after them all others. */
function place(file) {
  const found = LONGEST.findIndex((end) => file.endsWith(end));
  return found < 0 ? LONGEST.length : found;
}

export default {
  extensions: { ts: 'module' },
  files: ['__test__/**/*.spec.ts'],
  nodeArguments: ['--import', 'tsx'],
  sortTestFiles: (a, b) => place(a) - place(b) || a.localeCompare(b),
  timeout: '2m',
  workerThreads: false,
};
