//! The uploader's thread, which is told of the last profile when a signal ends the process.

use everflame_core::session;
use napi::bindgen_prelude::{Env, Function};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi::{Result, Status};
use napi_derive::napi;

/// `call` runs on the calling thread when the last profile is in its file because a guarded signal ends the process. The signal
/// waits then for `lastProfileIsSent`, within `exitTimeoutMilliseconds`. The calling thread gets no such signal from now on.
/// Until its environment ends. `tellsOfLoss`: what is not sent within that time is lost, and standard error is to tell of that.
#[napi]
pub fn on_last_profile(env: Env, call: Function<(), ()>, tells_of_loss: bool) -> Result<()> {
    let call = call
        .build_threadsafe_function::<()>()
        .weak::<true>()
        .build()?;
    let comes = move || call.call((), ThreadsafeFunctionCallMode::NonBlocking) == Status::Ok;
    session::engage_courier(comes, tells_of_loss).map_err(crate::failed)?;
    env.add_env_cleanup_hook((), |()| session::dismiss_courier())?;
    Ok(())
}

/// Whether the process ends, by a guarded signal or by itself, so that the newest profile written is the last one.
#[napi]
pub fn is_ending() -> bool {
    session::is_ending()
}

/// Waits on the calling thread while a guarded signal ends the process. Returns only where that has not ended it, and then
/// whether it is under way still.
#[napi]
pub fn wait_for_signal() -> bool {
    session::wait_for_signal()
}

/// The process was about to end, as `flushSync` was told, and lives on.
#[napi]
pub fn live_on() {
    session::live_on();
}

/// The last profile was sent, or stays where it is: the signal need not wait any longer.
#[napi]
pub fn last_profile_is_sent() {
    session::courier_is_done();
}
