//! Who brings away what was written when a signal ends the process: an uploader, on a thread of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::signal::terminal;

/// Has the uploader come for the last profile, and returns whether it will.
type Call = Box<dyn Fn() -> bool + Send>;

/// The uploader, if there is one. While it is under way the signal waits for it, within the limit for the end of the process.
#[derive(Default)]
pub struct Courier {
    call: Mutex<Option<Call>>,
    under_way: AtomicBool,
}

impl Courier {
    fn replace(&self, call: Option<Call>) {
        *self.call.lock().unwrap_or_else(PoisonError::into_inner) = call;
    }

    /// From now on `call` is told when the last profile is in its file. `tells_of_loss`: see [`terminal::tell_of_loss`].
    pub fn engage(&self, call: impl Fn() -> bool + Send + 'static, tells_of_loss: bool) {
        self.replace(Some(Box::new(call)));
        terminal::tell_of_loss(tells_of_loss);
    }

    /// The uploader's thread ends: nobody waits for it any more.
    pub fn dismiss(&self) {
        self.replace(None);
        terminal::tell_of_loss(false);
        self.done();
    }

    /// Tells the uploader of the last profile; whether there is one that will come.
    pub(super) fn send(&self) -> bool {
        let call = self.call.lock().unwrap_or_else(PoisonError::into_inner);
        // Before it may answer, on its own thread.
        self.under_way.store(true, Ordering::SeqCst);
        let comes = call.as_ref().is_some_and(|call| call());
        if !comes {
            self.under_way.store(false, Ordering::SeqCst);
        }
        comes
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.load(Ordering::SeqCst)
    }

    /// The uploader has brought the last profile away, or left it where it is: the signal does what it did without us.
    pub fn done(&self) {
        if self.under_way.swap(false, Ordering::SeqCst)
            && let Some(signal) = terminal::pending()
        {
            terminal::finish(signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_signal_waits_only_for_somebody_who_comes() {
        let courier = Arc::new(Courier::default());
        assert!(!courier.send() && !courier.is_under_way(), "nobody");
        courier.engage(|| false, false);
        assert!(
            !courier.send() && !courier.is_under_way(),
            "its thread ends"
        );
        courier.engage(|| true, false);
        assert!(courier.send() && courier.is_under_way());
        courier.done();
        assert!(!courier.is_under_way());
        assert!(courier.send());
        courier.dismiss();
        assert!(!courier.is_under_way() && !courier.send(), "dismissed");
        // An answer that is faster than the return of the call is not forgotten.
        let quick = Arc::clone(&courier);
        let answer = move || {
            quick.done();
            true
        };
        courier.engage(answer, false);
        assert!(courier.send() && !courier.is_under_way());
    }
}
