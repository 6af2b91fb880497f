export type { ProfilerOptions } from './src/config/resolve';
export type { EngineName, LogLevel, SpoolMode } from './src/config/settings';
export {
  EverflameError,
  type Feature,
  type Profile,
  type StartReport,
  type ThreadStatus,
} from './src/engine';
export type { UserLogger } from './src/log';
export { type Metrics, Profiler, type ProfilerStatus } from './src/profiler';
export type { ExporterName } from './src/upload/upload';
