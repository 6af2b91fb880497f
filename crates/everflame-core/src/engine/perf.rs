//! `perf`: one software-clock event a thread (perf_event_open(2)), kernel time included where allowed. Where half of the
//! descriptors that the process may have are in use, the rest are the application's, and further threads get CPU timers.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use rustc_hash::FxHashMap;

use super::ctimer::Ctimer;
use super::{Engine, EngineError};
use crate::descriptor_limit::descriptor_limit;
use crate::signal::{Delivery, Installed, accept, own_tid};

/// `struct perf_event_attr` up to the fields used here (PERF_ATTR_SIZE_VER0, 64 bytes).
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    breakpoint_type: u32,
    config1: u64,
}

const TYPE_SOFTWARE: u32 = 1;
/// The thread's own run time; `cpu-clock` is the same for one thread but may fire late on an idle CPU.
const CONFIG_TASK_CLOCK: u64 = 1;
const FLAG_DISABLED: u64 = 1;
const FLAG_EXCLUDE_KERNEL: u64 = 1 << 5;
const FLAG_EXCLUDE_HYPERVISOR: u64 = 1 << 6;
const OPEN_CLOEXEC: libc::c_ulong = 8;
const IOC_ENABLE: libc::c_ulong = 0x2400;
const IOC_DISABLE: libc::c_ulong = 0x2401;
const F_SETSIG: libc::c_int = 10;
const F_SETOWN_EX: libc::c_int = 15;
const F_OWNER_TID: libc::c_int = 0;

pub(super) struct Perf {
    signal: Installed,
    interval: u64,
    exclude_kernel: bool,
    events: FxHashMap<i32, OwnedFd>,
    /// For threads that found no descriptor.
    fallback: Option<Ctimer>,
}

impl Perf {
    /// # Errors
    /// perf_event_open is missing or denied for the calling thread.
    pub(super) fn new(signal: Installed, interval: u64) -> Result<Perf, EngineError> {
        let mut perf = Perf {
            signal,
            interval,
            exclude_kernel: false,
            events: FxHashMap::default(),
            fallback: None,
        };
        let tid = own_tid();
        let first = perf.open(tid);
        let opened = match first {
            Err(error) if denied(&error) => {
                perf.exclude_kernel = true;
                perf.open(tid)
            }
            other => other,
        };
        match opened {
            Ok(_) => {
                accept(Delivery::PerfDescriptor, signal.signal);
                Ok(perf)
            }
            Err(error) => Err(explain(tid, error)),
        }
    }

    fn open(&self, tid: i32) -> io::Result<OwnedFd> {
        let mut flags = FLAG_DISABLED | FLAG_EXCLUDE_HYPERVISOR;
        if self.exclude_kernel {
            flags |= FLAG_EXCLUDE_KERNEL;
        }
        let attributes = Attributes {
            kind: TYPE_SOFTWARE,
            size: size_of::<Attributes>() as u32,
            config: CONFIG_TASK_CLOCK,
            sample_period: self.interval,
            flags,
            wakeup_events: 1,
            ..Attributes::default()
        };
        // SAFETY: the attributes are valid and as long as they say.
        let descriptor = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                &raw const attributes,
                tid,
                -1,
                -1,
                OPEN_CLOEXEC,
            )
        };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a fresh descriptor that nobody else owns.
        Ok(unsafe { OwnedFd::from_raw_fd(descriptor as i32) })
    }

    fn arm(&self, tid: i32) -> io::Result<OwnedFd> {
        #[repr(C)]
        struct Owner {
            kind: libc::c_int,
            pid: libc::c_int,
        }
        let event = self.open(tid)?;
        // The kernel gives the lowest that is free, so this says how many are in use.
        if event.as_raw_fd() as u64 >= descriptor_limit() / 2 {
            return Err(io::Error::from_raw_os_error(libc::EMFILE));
        }
        let descriptor = event.as_raw_fd();
        let owner = Owner {
            kind: F_OWNER_TID,
            pid: tid,
        };
        // SAFETY: fcntl and ioctl on our own descriptor; F_SETOWN_EX reads a valid structure.
        let results = unsafe {
            [
                libc::fcntl(descriptor, libc::F_SETFL, libc::O_ASYNC),
                libc::fcntl(descriptor, F_SETSIG, self.signal.signal),
                libc::fcntl(descriptor, F_SETOWN_EX, &raw const owner),
                libc::ioctl(descriptor, IOC_ENABLE as _, 0),
            ]
        };
        if results.contains(&-1) {
            return Err(io::Error::last_os_error());
        }
        Ok(event)
    }
}

fn denied(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EACCES | libc::EPERM))
}

fn no_descriptor(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

fn explain(tid: i32, error: io::Error) -> EngineError {
    if denied(&error) {
        EngineError::PerfDenied(error)
    } else if no_descriptor(&error) {
        EngineError::NoDescriptor(tid)
    } else {
        EngineError::PerfMissing(error)
    }
}

impl Engine for Perf {
    fn name(&self) -> &'static str {
        "perf"
    }

    fn detail(&self) -> &'static str {
        if self.exclude_kernel {
            "samples in user code only (kernel.perf_event_paranoid); totals include the kernel"
        } else {
            "samples in the kernel too"
        }
    }

    fn add(&mut self, tid: i32) -> Result<(), EngineError> {
        match self.arm(tid) {
            Ok(event) => {
                self.events.insert(tid, event);
                Ok(())
            }
            Err(error) if no_descriptor(&error) => {
                if self.fallback.is_none() {
                    self.fallback = Some(Ctimer::new(self.signal, self.interval)?);
                }
                match &mut self.fallback {
                    Some(fallback) => fallback.add(tid),
                    None => Err(EngineError::NoDescriptor(tid)),
                }
            }
            Err(error) => Err(explain(tid, error)),
        }
    }

    fn remove(&mut self, tid: i32) {
        self.events.remove(&tid);
        if let Some(fallback) = &mut self.fallback {
            fallback.remove(tid);
        }
    }

    fn stop(&mut self) {
        for event in self.events.values() {
            // SAFETY: our own descriptor. A failure leaves an event that ends with its descriptor, just below.
            unsafe { libc::ioctl(event.as_raw_fd(), IOC_DISABLE as _, 0) };
        }
        self.events.clear();
        if let Some(fallback) = &mut self.fallback {
            fallback.stop();
        }
    }

    fn change_signal(&mut self, signal: Installed) -> Result<(), EngineError> {
        self.signal = signal;
        accept(Delivery::PerfDescriptor, signal.signal);
        self.fallback = None;
        Ok(())
    }
}
