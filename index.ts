export type { ProfilerOptions } from './src/config/resolve';
export type { EngineName, LogLevel } from './src/config/settings';
export {
  EverflameError,
  type Feature,
  type Profile,
  type StartReport,
  type ThreadStatus,
} from './src/engine';
export { type Metrics, Profiler, type ProfilerStatus } from './src/profiler';
