//! Loads from V8's heap.

/// A V8 object's address without its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Object(u64);

impl Object {
    pub(super) fn at(address: u64) -> Object {
        Object(address)
    }

    pub(super) fn address(self) -> u64 {
        self.0
    }
}

/// The object a tagged word points to, strongly or weakly; `None` for small integers, cleared weak references and
/// words that cannot be user-space addresses.
pub(super) fn object(word: u64) -> Option<Object> {
    const TAG: u64 = 0b11;
    const LOWEST: u64 = 0x1_0000;
    const HIGHEST: u64 = 1 << 48;
    let tagged = word & TAG == 0b01 || word & TAG == 0b11;
    let address = word & !TAG;
    (tagged && address.is_multiple_of(8) && (LOWEST..HIGHEST).contains(&address))
        .then_some(Object(address))
}

/// The small integer of a tagged word, which lies in its upper half.
pub(super) fn small_integer(word: u64) -> Option<i32> {
    (word as u32 == 0).then_some((word >> 32) as i32)
}

/// How loads are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heap {
    /// Each load first asks the kernel whether the page is there: for a layout that is not proven yet.
    Checked,
    /// Plain loads: every pointer followed comes from a field whose place is proven, and from an object whose type
    /// was read.
    Proven,
}

impl Heap {
    pub(super) fn word(self, address: u64) -> Option<u64> {
        if !address.is_multiple_of(8) || !self.readable(address, 8) {
            return None;
        }
        // SAFETY: aligned; readable as just checked, or a field of a live heap object of proven layout. V8's heap
        // stands still during its callbacks.
        Some(unsafe { (address as *const u64).read_volatile() })
    }

    pub(super) fn half(self, address: u64) -> Option<u16> {
        if !address.is_multiple_of(2) || !self.readable(address & !7, 8) {
            return None;
        }
        // SAFETY: as in `word`.
        Some(unsafe { (address as *const u16).read_volatile() })
    }

    pub(super) fn field(self, object: Object, offset: u64) -> Option<u64> {
        self.word(object.0.checked_add(offset)?)
    }

    pub(super) fn bytes(self, address: u64, length: usize) -> Option<Box<[u8]>> {
        if !self.readable(address, length) {
            return None;
        }
        // SAFETY: the whole range is readable as just checked, or the body of a live array of proven layout whose
        // length was read; it is copied before V8 goes on.
        Some(unsafe { std::slice::from_raw_parts(address as *const u8, length) }.into())
    }

    fn readable(self, address: u64, length: usize) -> bool {
        const PAGE: u64 = 4096;
        if self == Heap::Proven || length == 0 {
            return true;
        }
        let Some(end) = address.checked_add(length as u64) else {
            return false;
        };
        let mut place = address & !7;
        while place < end {
            if !word_is_readable(place) {
                return false;
            }
            place = (place & !(PAGE - 1)) + PAGE;
        }
        true
    }
}

/// Whether the eight aligned bytes at `address` can be read. `rt_sigprocmask` copies its set before it looks at
/// `how`: EFAULT says unreadable, EINVAL (for a `how` that does not exist) readable; nothing is changed either way.
fn word_is_readable(address: u64) -> bool {
    const NO_SUCH_HOW: libc::c_int = -1;
    // SAFETY: the kernel checks the address; the invalid `how` keeps it from changing the mask.
    let result = unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            NO_SUCH_HOW,
            address as *const u8,
            std::ptr::null_mut::<u8>(),
            8usize,
        )
    };
    result == -1 && std::io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_told_apart() {
        assert_eq!(object(0x7000_0001), Some(Object(0x7000_0000)));
        assert_eq!(object(0x7000_0003), Some(Object(0x7000_0000)), "weak");
        assert_eq!(object(0x7000_0000), None, "small integer");
        assert_eq!(object(3), None, "cleared weak reference");
        assert_eq!(object(0x7000_0005), None, "not aligned");
        assert_eq!(object(0xffff_8000_0000_0001), None, "kernel");
        assert_eq!(small_integer(0x2a_0000_0000), Some(42));
        assert_eq!(small_integer(0xffff_ffff_0000_0000), Some(-1));
        assert_eq!(small_integer(0x2a_0000_0001), None);
    }

    #[test]
    fn a_checked_load_survives_every_address() {
        let here = [7u64, 8];
        let address = here.as_ptr() as u64;
        assert_eq!(Heap::Checked.word(address + 8), Some(8));
        assert_eq!(
            Heap::Checked.bytes(address, 16).map(|bytes| bytes.len()),
            Some(16)
        );
        for bad in [
            0,
            8,
            0x1000,
            0x7fff_ffff_f000,
            u64::MAX - 7,
            0xffff_8000_0000_0000,
        ] {
            assert_eq!(Heap::Checked.word(bad), None, "{bad:#x}");
            assert_eq!(Heap::Checked.bytes(bad, 64), None, "{bad:#x}");
        }
        assert_eq!(Heap::Checked.word(address + 1), None, "not aligned");
    }

    #[test]
    fn asking_leaves_errno_readable_and_the_mask_alone() {
        let mask = || {
            // SAFETY: a zeroed set is valid, and a null new set only reads the mask.
            unsafe {
                let mut set: libc::sigset_t = std::mem::zeroed();
                libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), &mut set);
                (1..64)
                    .map(|signal| libc::sigismember(&set, signal))
                    .collect::<Vec<_>>()
            }
        };
        let before = mask();
        assert!(word_is_readable((&raw const before) as u64 & !7));
        assert!(!word_is_readable(0));
        assert_eq!(mask(), before);
    }
}
