/**
 * Where the collector is found: 8126, on which Datadog Agents listen, less a thousand. It is below the ports that systems give
 * out by themselves (from 32768), and no profiler, tracer or database that we know of has it.
 */
export const COLLECTOR_PORT = 7126;
