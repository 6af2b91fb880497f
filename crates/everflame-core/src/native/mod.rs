//! Native code of this process: modules, symbols, unwinding by table. Runs on the aggregator thread only.
