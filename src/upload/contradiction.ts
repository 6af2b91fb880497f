import type { ExporterName } from './upload';

/** One sentence on an output without the exporter `file`, or on that exporter without an output. */
export function contradiction(exporters: readonly ExporterName[], output: string | undefined): string {
  return output === undefined
    ? 'the exporter "file" has no place for its files, so they go to .everflame. Name one with DD_PROFILING_OUTPUT_PPROF=<prefix>, or use the exporter "local".'
    : `an output is set (${output}), but no files are written there: "file" is not among the exporters (${exporters.join(', ') || 'none'}). Add it to EVERFLAME_EXPORTERS, or unset DD_PROFILING_OUTPUT_PPROF.`;
}
