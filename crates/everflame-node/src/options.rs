//! Options and report of `start`.

use std::time::Duration;

use everflame_core::aggregate::Options;
use everflame_core::pprof::Times;
use everflame_core::session::{Config, Started};
use everflame_core::signal::terminal;
use napi::{Error, Result, Status};
use napi_derive::napi;

/// How to sample.
#[napi(object)]
pub struct StartOptions {
    /// `auto`, `tick`, `ctimer`, `perf` or `itimer`.
    pub engine: String,
    /// `SIGURG`, `SIGVTALRM`, `SIGSTKFLT`, `SIGPWR` or `SIGPROF`; the first free one when left out.
    pub signal: Option<String>,
    /// Time between samples: 100 000 (10 kHz) to 1 000 000 000 (1 Hz).
    pub interval_nanoseconds: u32,
    /// Most frames of a stack; deeper ones keep the leaf side.
    pub max_frames: u32,
    /// One record a sample with `end_timestamp_ns`, instead of one a thread and stack.
    pub timeline: bool,
    /// Whether samples have wall time, and whether they have CPU time; both when left out. Without wall time there are only
    /// samples of running threads.
    pub wall: Option<bool>,
    pub cpu: Option<bool>,
    /// Native frames above, between and below JavaScript.
    pub native_frames: bool,
    /// Most bytes of stacks, names and samples held by the profiler.
    pub memory_cap_bytes: u32,
    /// Frames of generated code are shown as their source maps tell; true when left out.
    pub source_maps: Option<bool>,
    /// Where profiles go that nobody asks for, `<prefix>.<pid>.<sequence>.wall.pprof`: the last one when a signal named in
    /// `guardedSignals` ends the process, and those that are overdue.
    pub output_prefix: Option<String>,
    /// After that time a profile is overdue, and a quarter of it or a second later it is written; left out, none is.
    pub period_seconds: Option<f64>,
    /// Nothing is said on standard error when the last profile cannot be written.
    pub quiet: Option<bool>,
    /// Each profile is written to the output before it is handed out, and once a second what there is of the current period
    /// (`<prefix>.<pid>.<sequence>.wall.pprof.part`), so that SIGKILL loses a second at most.
    pub write_ahead: Option<bool>,
    /// How long the end of the process by a guarded signal waits for the last profile; 2 s when left out.
    pub exit_timeout_milliseconds: Option<u32>,
    /// A UUID, in a comment of each profile: whoever finds one knows by it whose it is.
    pub runtime_id: Option<String>,
    /// Terminal signals without a listener: of `SIGINT`, `SIGTERM`, `SIGHUP`.
    pub guarded_signals: Option<Vec<String>>,
}

fn terminal_signal(name: &str) -> Result<i32> {
    terminal::number(name).ok_or_else(|| {
        Error::new(
            Status::InvalidArg,
            format!("guardedSignals has {name:?}; allowed are SIGINT, SIGTERM and SIGHUP"),
        )
    })
}

fn runtime_id(text: &str) -> Result<u128> {
    let digits = text.replace('-', "");
    u128::from_str_radix(&digits, 16)
        .ok()
        .filter(|_| digits.len() == 32)
        .ok_or_else(|| {
            Error::new(
                Status::InvalidArg,
                format!("runtimeId is {text:?}; it must be a UUID"),
            )
        })
}

impl StartOptions {
    fn times(&self) -> Result<Times> {
        let times = Times {
            wall: self.wall.unwrap_or(true),
            cpu: self.cpu.unwrap_or(true),
        };
        if times.wall || times.cpu {
            return Ok(times);
        }
        Err(Error::new(
            Status::InvalidArg,
            "wall and cpu are both off; one of them is needed",
        ))
    }

    pub(crate) fn into_config(self) -> Result<Config> {
        if !(100_000..=1_000_000_000).contains(&self.interval_nanoseconds) {
            return Err(Error::new(
                Status::InvalidArg,
                format!(
                    "intervalNanoseconds is {}; allowed are 100000 (10 kHz) to 1000000000 (1 Hz)",
                    self.interval_nanoseconds
                ),
            ));
        }
        let times = self.times()?;
        let runtime_id = self.runtime_id.as_deref().map(runtime_id).transpose()?;
        let guarded = self
            .guarded_signals
            .unwrap_or_default()
            .iter()
            .map(|name| terminal_signal(name))
            .collect::<Result<_>>()?;
        let period = self
            .period_seconds
            .map(Duration::try_from_secs_f64)
            .transpose()
            .map_err(|error| Error::new(Status::InvalidArg, format!("periodSeconds: {error}")))?;
        Ok(Config {
            output_prefix: self.output_prefix,
            guarded,
            exit_timeout: Duration::from_millis(u64::from(
                self.exit_timeout_milliseconds.unwrap_or(2000),
            )),
            engine: self.engine,
            signal: self.signal,
            options: Options {
                interval: u64::from(self.interval_nanoseconds),
                period,
                max_frames: self.max_frames as usize,
                timeline: self.timeline,
                times,
                native_frames: self.native_frames,
                write_ahead: self.write_ahead.unwrap_or(false),
                quiet: self.quiet.unwrap_or(false),
                memory_cap: self.memory_cap_bytes as usize,
                source_maps: self.source_maps.unwrap_or(true),
                runtime_id,
            },
        })
    }
}

/// An engine that was not taken.
#[napi(object)]
pub struct RejectedEngine {
    pub engine: String,
    pub reason: String,
}

/// What was started.
#[napi(object)]
pub struct StartReport {
    pub engine: String,
    pub reason: String,
    pub rejected: Vec<RejectedEngine>,
    pub signal: String,
}

impl From<Started> for StartReport {
    fn from(started: Started) -> StartReport {
        StartReport {
            engine: started.engine.to_owned(),
            reason: started.reason,
            rejected: started
                .rejected
                .into_iter()
                .map(|rejected| RejectedEngine {
                    engine: rejected.engine.to_owned(),
                    reason: rejected.reason,
                })
                .collect(),
            signal: started.signal.to_owned(),
        }
    }
}
