//! V8 through its exported entry points: looked up at load, never linked.
