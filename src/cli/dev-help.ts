/** What flags of settings are for in `everflame dev`, whose program sends to the page. */
export const devFlagHelp = {
  output: 'Folder the profiles are written to as well, as <dir>/profile.<pid>.<number>.wall.pprof.',
};

/** Where it sends by itself, in words. */
export const DEV_EXPORTERS = '`datadog`, which is the page here, and with --output `file` as well';
