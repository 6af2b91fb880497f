//! Keeps fork(2) away while the loader's own lock is held: the child would have it locked for ever, and glibc does not mend
//! that.

use std::cell::UnsafeCell;
use std::sync::Once;

struct Lock(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a mutex of the C library is made for several threads.
unsafe impl Sync for Lock {}

static LOCK: Lock = Lock(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));

extern "C" fn lock() {
    // SAFETY: the mutex is a static one. An error would be that it is no mutex.
    unsafe { libc::pthread_mutex_lock(LOCK.0.get()) };
}

extern "C" fn unlock() {
    // SAFETY: as above; the thread that forks has locked it, in the child too.
    unsafe { libc::pthread_mutex_unlock(LOCK.0.get()) };
}

/// Until it is dropped no other thread of this process forks.
pub(super) struct Held(());

impl Drop for Held {
    fn drop(&mut self) {
        unlock();
    }
}

pub(super) fn hold() -> Held {
    be_known_to_fork();
    lock();
    Held(())
}

/// `None` where somebody else holds it.
pub(super) fn try_hold() -> Option<Held> {
    be_known_to_fork();
    // SAFETY: as in `lock`.
    (unsafe { libc::pthread_mutex_trylock(LOCK.0.get()) } == 0).then_some(Held(()))
}

fn be_known_to_fork() {
    static KNOWN: Once = Once::new();
    // SAFETY: the handlers are those of a mutex around fork. Out of memory, forks are as they were without them.
    KNOWN.call_once(|| unsafe {
        libc::pthread_atfork(Some(lock), Some(unlock), Some(unlock));
    });
}
