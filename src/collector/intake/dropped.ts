import { type Answer, json } from '../http/answer';

/** What a path of Agents is answered with where nothing is kept of what comes. */
export interface Dropped {
  methods: readonly string[];
  /** The body is read and forgotten before. */
  answer(): Answer;
}

const SENT = ['POST', 'PUT'];
/** No rates: clients keep their own, and decisions that they hand on to other services stay as they are. */
const traces: Dropped = { methods: SENT, answer: () => json({}) };
const withRates: Dropped = { methods: SENT, answer: () => json({ rate_by_service: {} }) };
const nothing: Dropped = { methods: SENT, answer: () => json({}) };
const accepted: Dropped = { methods: SENT, answer: () => json({}, 202) };
/** How an Agent says that it has no configuration to give out; clients ask again, and say nothing of it. */
const noConfiguration: Dropped = {
  methods: ['GET', ...SENT],
  answer: () => json({ error: 'there is no remote configuration here.' }, 404),
};

/**
 * What tracers send beside profiles whether `/info` lists it or not. It is dropped as by an Agent that keeps none of it: an error
 * would be told in the log of the program each time.
 */
export const DROPPED: ReadonlyMap<string, Dropped> = new Map([
  ['/v0.3/traces', traces],
  ['/v0.4/traces', withRates],
  ['/v0.5/traces', withRates],
  ['/v0.7/traces', withRates],
  ['/v1.0/traces', withRates],
  ['/v0.6/stats', nothing],
  ['/v0.1/pipeline_stats', accepted],
  ['/v0.7/config', noConfiguration],
  ['/telemetry/proxy/api/v2/apmtelemetry', accepted],
  ['/dogstatsd/v2/proxy', nothing],
  ['/debugger/v1/input', nothing],
  ['/debugger/v1/diagnostics', nothing],
  ['/debugger/v2/input', nothing],
  ['/symdb/v1/input', nothing],
  ['/tracer_flare/v1', nothing],
]);
