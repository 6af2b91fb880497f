//! A finished profile as JavaScript sees it.

use std::sync::{Arc, Mutex, PoisonError};

use everflame_core::aggregate::Profile;
use everflame_core::pprof;
use everflame_core::session::{self, StartError};
use napi::bindgen_prelude::{BigInt, Buffer, Env, Object};
use napi::{JsDeferred, Result};
use napi_derive::napi;

/// How a profile is compressed.
#[napi(string_enum = "lowercase")]
pub enum Encoding {
    Gzip,
    Zstd,
    None,
}

impl From<Encoding> for pprof::Encoding {
    fn from(encoding: Encoding) -> pprof::Encoding {
        match encoding {
            Encoding::Gzip => pprof::Encoding::Gzip,
            Encoding::Zstd => pprof::Encoding::Zstd,
            Encoding::None => pprof::Encoding::Identity,
        }
    }
}

/// One period's profile.
#[napi(object)]
pub struct NativeProfile {
    /// profile.proto, compressed as asked.
    pub data: Buffer,
    /// Since the Unix epoch.
    pub start_nanoseconds: BigInt,
    pub end_nanoseconds: BigInt,
    /// Sum of the `sample` values.
    pub samples: f64,
    /// Samples lost in this period, whatever the cause.
    pub dropped: f64,
    /// Profiles of this process before this one; part of its file name.
    pub sequence: u32,
}

impl From<Profile> for NativeProfile {
    fn from(profile: Profile) -> NativeProfile {
        NativeProfile {
            data: profile.data.into(),
            start_nanoseconds: profile.start.into(),
            end_nanoseconds: profile.end.into(),
            samples: profile.samples as f64,
            dropped: profile.dropped as f64,
            sequence: profile.sequence as u32,
        }
    }
}

type Resolve = Box<dyn FnOnce(Env) -> Result<NativeProfile>>;

/// The way back to a waiting promise. Dropped unsettled it is rejected: napi's own type would leave the promise waiting,
/// and its reference to the event loop would keep the process alive for ever.
pub(crate) struct Deferred(Option<JsDeferred<NativeProfile, Resolve>>);

impl Deferred {
    /// A promise and the way back to it. Whoever has the promise made must return it to JavaScript: one that is
    /// rejected and seen by nobody ends the process.
    ///
    /// # Errors
    /// Node.js has no memory for it.
    pub(crate) fn new(env: &Env) -> Result<(Deferred, Object<'_>)> {
        let (deferred, promise) = env.create_deferred()?;
        Ok((Deferred(Some(deferred)), promise))
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        let Some(deferred) = self.0.take() else {
            return;
        };
        deferred.reject(match session::check() {
            Err(error) => crate::failed(error),
            // The profiler's thread drops it while it fails, and is not known to have failed yet.
            Ok(()) if std::thread::panicking() => crate::failed(StartError::Failed),
            Ok(()) => crate::failed(NOT_RUNNING),
        });
    }
}

/// Of a stop that comes too late.
pub(crate) const NOT_RUNNING: &str = "sampling is not running";

/// A profile on its way to a JavaScript thread, which may end before it arrives.
type Parcel = Arc<Mutex<Option<Profile>>>;

static PARCELS: Mutex<Vec<Parcel>> = Mutex::new(Vec::new());

fn take(parcel: &Parcel) -> Option<Profile> {
    parcel.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Profiles whose promises were not settled, oldest first: the process ends, and its event loop will not run again.
pub(crate) fn take_undelivered() -> Vec<NativeProfile> {
    let mut parcels = PARCELS.lock().unwrap_or_else(PoisonError::into_inner);
    parcels
        .drain(..)
        .filter_map(|parcel| take(&parcel))
        .map(NativeProfile::from)
        .collect()
}

/// Settles a promise from the aggregator's thread.
pub(crate) fn settle(
    mut deferred: Deferred,
    result: std::result::Result<Profile, pprof::EncodingError>,
) {
    let Some(deferred) = deferred.0.take() else {
        return;
    };
    let profile = match result {
        Ok(profile) => profile,
        Err(error) => return deferred.reject(crate::failed(error)),
    };
    let parcel = Arc::new(Mutex::new(Some(profile)));
    let mut parcels = PARCELS.lock().unwrap_or_else(PoisonError::into_inner);
    parcels.retain(|parcel| parcel.lock().is_ok_and(|profile| profile.is_some()));
    parcels.push(Arc::clone(&parcel));
    drop(parcels);
    deferred.resolve(Box::new(move |_| {
        take(&parcel)
            .map(NativeProfile::from)
            .ok_or_else(|| crate::failed("the profile was taken by takeUndelivered"))
    }));
}
