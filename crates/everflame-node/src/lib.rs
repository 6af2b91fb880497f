//! Node-API bindings of Everflame: conversion only. Everything that decides is in `everflame-core`.

pub mod courier;
mod event_loop;
mod heap;
pub mod metrics;
pub mod options;
mod pin;
pub mod profile;

use std::time::Duration;

use everflame_core::event_loop::Thread;
use everflame_core::session::{self, Attached};
use napi::bindgen_prelude::{Env, Object, Unknown};
use napi::{Error, Result, Status};
use napi_derive::napi;

use options::{StartOptions, StartReport};
use profile::{Deferred, Encoding, NOT_RUNNING, NativeProfile};

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(Status::GenericFailure, error.to_string())
}

/// Starts sampling every thread of this process.
///
/// Throws when sampling runs already, or when the engine asked for cannot work here; the message names the remedy.
#[napi]
pub fn start(options: StartOptions) -> Result<StartReport> {
    pin::pin_library();
    heap::share_with_forks();
    let config = options.into_config()?;
    session::start(&config)
        .map(StartReport::from)
        .map_err(failed)
}

/// Makes the calling JavaScript thread known: from now on its stacks have JavaScript names. The registration ends
/// with the thread's environment, and outlives a stop.
///
/// `threadId` is 0 for the main thread, else `worker_threads.threadId`. Throws when V8's entry points are missing.
#[napi]
pub fn attach_thread(env: Env, thread_id: u32, name: String) -> Result<()> {
    pin::pin_library();
    heap::share_with_forks();
    // SAFETY: called from JavaScript on this thread, so its isolate is current and not collecting; the hook below runs
    // on the same thread before the isolate ends.
    let attached = unsafe {
        session::attach(name.clone(), thread_id.to_string(), |source| {
            // Without it V8's layout is not proved, and the report of features says so.
            let ran: Result<Unknown> = env.run_script(source);
            drop(ran);
        })
    }
    .map_err(failed)?;
    if let Some(attached) = attached {
        // Of Everflame's own threads nobody wants to know how busy they are.
        if !name.starts_with("everflame-") {
            let thread = Thread {
                id: thread_id,
                name,
            };
            event_loop::watch(&env, thread, attached.used_heap());
        }
        env.add_env_cleanup_hook(attached, |attached: Attached| {
            // SAFETY: cleanup hooks run on the environment's thread while its isolate is alive.
            unsafe { session::detach(attached) };
        })?;
    }
    Ok(())
}

/// Ends the period and resolves to its profile. Encoding happens on the profiler's own thread.
#[napi(ts_return_type = "Promise<NativeProfile>")]
pub fn flush<'env>(env: &'env Env, encoding: Encoding) -> Result<Object<'env>> {
    session::check().map_err(failed)?;
    let (deferred, promise) = Deferred::new(env)?;
    let asked = session::rotate(encoding.into(), move |result| {
        profile::settle(deferred, result)
    });
    // Failed since the check above: the promise is rejected with the reason.
    drop(asked);
    Ok(promise)
}

/// Ends the period and waits for its profile on this thread, at most `timeoutMilliseconds`; null when it is not ready
/// by then. For the end of the process.
#[napi]
pub fn flush_sync(encoding: Encoding, timeout_milliseconds: u32) -> Result<Option<NativeProfile>> {
    let limit = Duration::from_millis(u64::from(timeout_milliseconds));
    session::rotate_now(encoding.into(), limit)
        .transpose()
        .map(|profile| profile.map(NativeProfile::from))
        .map_err(failed)
}

/// Profiles of `flush` and `stop` whose promises were not settled yet, oldest first. For the end of the process, after
/// `flushSync`: the event loop does not run again then.
#[napi]
pub fn take_undelivered() -> Vec<NativeProfile> {
    profile::take_undelivered()
}

/// Whether the taker of the profile of this number is to write it to the output, and begins to; false where the sampler has
/// done it, because nobody came.
#[napi]
pub fn claim_profile(sequence: u32) -> bool {
    session::claim_profile(u64::from(sequence))
}

/// The profile of this number is in its file, or its taker has said why not. One handed out while there is an output is
/// written by the sampler if nobody says so: late, or when a guarded signal ends the process.
#[napi]
pub fn forget_profile(sequence: u32) {
    session::forget_profile(u64::from(sequence));
}

/// Profiles that nobody asks for, and the last one, go to `<prefix>.<pid>.<sequence>.wall.pprof` from now on.
#[napi]
pub fn write_to(prefix: String) {
    session::write_to(prefix);
}

/// Whether a connection to this port of 127.0.0.1 is accepted, which is known in microseconds.
#[napi]
pub fn port_accepts(port: u16) -> bool {
    everflame_core::probe::accepts(port)
}

/// A profile that the sampler could not write.
#[napi(object)]
pub struct NativeWriteFailure {
    pub path: String,
    /// The system's number of the error, 0 where there is none.
    pub errno: i32,
    pub reason: String,
}

/// The last profile that the sampler could not write; null where there is none since the last call.
#[napi]
pub fn take_write_failure() -> Option<NativeWriteFailure> {
    session::take_write_failure().map(|failure| NativeWriteFailure {
        path: failure.path.to_string_lossy().into_owned(),
        errno: failure.errno,
        reason: failure.reason,
    })
}

/// A source map that is there and cannot be used: its script's frames stand in generated code.
#[napi(object)]
pub struct NativeSourceMapFailure {
    /// The script as V8 names it.
    pub script: String,
    /// The map's file, or `inline`.
    pub map: String,
    pub reason: String,
}

/// Source maps found broken since the last call, twenty at most.
#[napi]
pub fn take_source_map_failures() -> Vec<NativeSourceMapFailure> {
    session::take_source_map_failures()
        .into_iter()
        .map(|failure| NativeSourceMapFailure {
            script: failure.script,
            map: failure.map,
            reason: failure.reason,
        })
        .collect()
}

/// Stops sampling and resolves to the last period's profile (gzip unless asked otherwise). Throws when sampling is not running.
#[napi(ts_return_type = "Promise<NativeProfile>")]
pub fn stop<'env>(env: &'env Env, encoding: Option<Encoding>) -> Result<Object<'env>> {
    let encoding = encoding.unwrap_or(Encoding::Gzip);
    if !session::is_running() {
        return Err(failed(NOT_RUNNING));
    }
    let (deferred, promise) = Deferred::new(env)?;
    session::stop(encoding.into(), move |result| {
        profile::settle(deferred, result)
    });
    Ok(promise)
}

/// The program is about to handle the signal of this name, such as `SIGURG`: if it is the sampler's, sampling goes on by
/// another one, and none of its signals reaches the program's handler.
#[napi]
pub fn give_up_signal(signal: String) {
    session::give_up_signal(&signal);
}

/// The program listens to the signal of this name no more; if it is `SIGINT`, `SIGTERM` or `SIGHUP` and ends the process, the
/// last profile is written to the output of `start`.
#[napi]
pub fn guard_signal(signal: String) {
    session::guard_signal(&signal);
}

/// A thread that is being sampled.
#[napi(object)]
pub struct NativeThread {
    /// The kernel's thread id.
    pub os_thread_id: i32,
    /// The JavaScript thread's own name, else the kernel's.
    pub name: String,
    /// 0 for the main thread, the worker's number, or -1 without JavaScript.
    pub thread_id: i32,
    /// Samples lost because the thread's ring was full.
    pub dropped: f64,
}

/// A part of JavaScript stacks that this V8 may or may not give.
#[napi(object)]
pub struct NativeFeature {
    pub name: String,
    pub ok: bool,
    /// Why not; empty when it works.
    pub reason: String,
}

/// Whether sampling is running, and on which threads.
#[napi(object)]
pub struct NativeStatus {
    pub running: bool,
    pub threads: Vec<NativeThread>,
    /// Empty before the first thread was attached.
    pub features: Vec<NativeFeature>,
}

/// Whether sampling is running, and on which threads.
#[napi]
pub fn status() -> NativeStatus {
    let threads = session::threads()
        .into_iter()
        .map(|thread| NativeThread {
            os_thread_id: thread.tid,
            name: thread.name,
            thread_id: thread.id.and_then(|id| id.parse().ok()).unwrap_or(-1),
            dropped: thread.dropped as f64,
        })
        .collect();
    let features = session::features()
        .into_iter()
        .map(|(name, state)| NativeFeature {
            name: name.to_owned(),
            ok: state.is_ok(),
            reason: state.err().unwrap_or_default().to_owned(),
        })
        .collect();
    NativeStatus {
        running: session::is_running(),
        threads,
        features,
    }
}
