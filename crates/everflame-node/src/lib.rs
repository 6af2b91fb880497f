//! Node-API bindings of Everflame: conversion only. Everything that decides is in `everflame-core`.

mod metrics;
mod options;
mod pin;
mod profile;

use std::time::Duration;

use everflame_core::session::{self, Attached};
use everflame_core::v8::CALIBRATION_SOURCE;
use napi::bindgen_prelude::{Env, Object, Unknown};
use napi::{Error, Result, Status};
use napi_derive::napi;

use options::{StartOptions, StartReport};
use profile::{Deferred, Encoding, NativeProfile};

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(Status::GenericFailure, error.to_string())
}

/// Starts sampling every thread of this process.
///
/// Throws when sampling runs already, or when the engine asked for cannot work here; the message names the remedy.
#[napi]
pub fn start(options: StartOptions) -> Result<StartReport> {
    pin::pin_library();
    let config = options.into_config()?;
    session::start(&config)
        .map(StartReport::from)
        .map_err(failed)
}

/// Makes the calling JavaScript thread known: from now on its stacks have JavaScript names. Once a thread; the
/// registration ends with the thread's environment.
///
/// `threadId` is 0 for the main thread, else `worker_threads.threadId`. Throws when V8's entry points are missing.
#[napi]
pub fn attach_thread(env: Env, thread_id: u32, name: String) -> Result<()> {
    pin::pin_library();
    // SAFETY: called from JavaScript on this thread, so its isolate is current and not collecting; the hook below runs
    // on the same thread before the isolate ends.
    let attached = unsafe {
        session::attach(name, thread_id.to_string(), || {
            // Without it V8's layout is not proved, and the report of features says so.
            env.run_script::<_, Unknown>(CALIBRATION_SOURCE)
                .map_or((), drop);
        })
    }
    .map_err(failed)?;
    env.add_env_cleanup_hook(attached, |attached: Attached| {
        // SAFETY: cleanup hooks run on the environment's thread while its isolate is alive.
        unsafe { session::detach(attached) };
    })?;
    Ok(())
}

/// Ends the period and resolves to its profile. Encoding happens on the profiler's own thread.
#[napi(ts_return_type = "Promise<NativeProfile>")]
pub fn flush<'env>(env: &'env Env, encoding: Encoding) -> Result<Object<'env>> {
    let (deferred, promise): (Deferred, _) = env.create_deferred()?;
    session::rotate(encoding.into(), move |result| profile::settle(deferred, result))
        .map_err(failed)?;
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

/// Stops sampling and resolves to the last period's profile. Rejects when sampling is not running.
#[napi(ts_return_type = "Promise<NativeProfile>")]
pub fn stop<'env>(env: &'env Env, encoding: Encoding) -> Result<Object<'env>> {
    if !session::is_running() {
        return Err(failed("sampling is not running"));
    }
    let (deferred, promise): (Deferred, _) = env.create_deferred()?;
    session::stop(encoding.into(), move |result| profile::settle(deferred, result));
    Ok(promise)
}

/// Whether sampling is running.
#[napi]
pub fn is_running() -> bool {
    session::is_running()
}
