//! Where a thread is, read from outside: running, or asleep in a system call at a stack pointer and program counter.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use super::system_call::SystemCall;
use crate::descriptor_limit::leave_last;
use crate::signal::WaitKey;

/// A thread's state as `/proc/self/task/<tid>/syscall` tells it (proc(5)). A thread may read it of its own process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Running,
    Asleep(WaitKey, SystemCall),
    /// The file cannot be read (no such kernel option, or a sandbox): nothing is known without a signal.
    Unknown,
}

pub(super) fn open(tid: i32) -> Option<File> {
    let file = File::open(format!("/proc/self/task/{tid}/syscall"));
    file.and_then(leave_last).ok()
}

pub(super) fn read(file: &File) -> Place {
    // "nr arg0..arg5 sp pc": nine numbers of at most 18 characters.
    let mut text = [0; 256];
    match file.read_at(&mut text, 0) {
        Ok(length) => parse(text.get(..length).unwrap_or(&[])),
        Err(_) => Place::Unknown,
    }
}

fn parse(text: &[u8]) -> Place {
    let Ok(text) = std::str::from_utf8(text) else {
        return Place::Unknown;
    };
    let text = text.trim_end();
    if text == "running" {
        return Place::Running;
    }
    let number = |field: &str| {
        u64::from_str_radix(field.strip_prefix("0x").unwrap_or(field), 16).unwrap_or(0)
    };
    let mut fields = text.split(' ');
    let call = fields.next().and_then(|field| field.parse().ok());
    let mut last = fields.clone().rev().map(number);
    match (call, last.next(), last.next()) {
        (Some(call), Some(pc), Some(sp)) if pc != 0 && sp != 0 => {
            let mut arguments = fields.map(number);
            let call = SystemCall {
                number: call,
                // Outside of a call there are none, and none is looked at.
                arguments: std::array::from_fn(|_| arguments.next().unwrap_or(0)),
            };
            Place::Asleep(WaitKey { sp, pc }, call)
        }
        _ => Place::Unknown,
    }
}

/// Whether a thread of this process sleeps in a system call at this place.
pub(crate) fn is_asleep_at(tid: i32, key: WaitKey) -> bool {
    open(tid).is_some_and(|file| matches!(read(&file), Place::Asleep(found, _) if found == key))
}

/// When a thread started, in nanoseconds since boot, to 10 ms (`starttime` of `/proc/self/task/<tid>/stat`).
pub(super) fn started(tid: i32) -> Option<u64> {
    let ticks = stat(&format!("/proc/self/task/{tid}/stat"), 22)?;
    // SAFETY: sysconf reads a constant.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    let per_second = u64::try_from(per_second).ok().filter(|ticks| *ticks > 0)?;
    Some(ticks * (1_000_000_000 / per_second))
}

/// A numbered field behind the name, as proc(5) counts them, of a `stat` file.
pub(super) fn stat(path: &str, field: usize) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    // The name, field 2, is in parentheses and may hold spaces; the fields after it do not.
    let (_, fields) = text.rsplit_once(')')?;
    fields.split_whitespace().nth(field - 3)?.parse().ok()
}

/// The main thread's stack grows downwards as it is used. The kernel maps nothing else within 128 MiB of its end
/// (`MIN_GAP` of `mmap_base`).
pub(crate) fn main_stack(end: u64) -> Range<u64> {
    end.saturating_sub(128 << 20)..end
}

/// The memory around an address.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Region {
    /// The stack of the main thread.
    MainStack(Range<u64>),
    /// A mapping, which the kernel may have made of several that lie side by side.
    Mapping(Range<u64>),
}

/// The region of memory that holds `address`, in the text of `/proc/self/maps` (proc(5)).
pub(super) fn region(maps: &str, address: u64) -> Option<Region> {
    maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let start = u64::from_str_radix(start, 16).ok()?;
        let end = u64::from_str_radix(end, 16).ok()?;
        if !(start..end).contains(&address) {
            None
        } else if rest.ends_with("[stack]") {
            Some(Region::MainStack(main_stack(end)))
        } else {
            Some(Region::Mapping(start..end))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_of_the_file_are_told_apart() {
        assert_eq!(parse(b"running\n"), Place::Running);
        assert_eq!(
            parse(b"202 0x1 0x2 0x186a0 0x4 0x5 0x6 0x7f66c6e2bea0 0x7f66c6f2c26f\n"),
            Place::Asleep(
                WaitKey {
                    sp: 0x7f66_c6e2_bea0,
                    pc: 0x7f66_c6f2_c26f
                },
                SystemCall {
                    number: 202,
                    arguments: [1, 2, 0x186a0, 4]
                }
            )
        );
        let Place::Asleep(key, call) = parse(b"-1 0x7ffd00001000 0x40110a\n") else {
            panic!("asleep outside of a system call");
        };
        assert_eq!(
            (key.sp, key.pc, call.number),
            (0x7ffd_0000_1000, 0x40_110a, -1)
        );
        for garbage in [&b""[..], b"\n", b"x", b"0 0x0 0x0", b"7 0x1", b"\xff\xfe"] {
            assert_eq!(parse(garbage), Place::Unknown, "{garbage:?}");
        }
    }

    #[test]
    fn a_region_is_found_by_any_address_inside_it() {
        let maps = "1000-3000 rw-p 0 00:00 0\n3000-4000 ---p 0 00:00 0 [x y]\n\
            7fff10000000-7fff10021000 rw-p 0 00:00 0      [stack]\n";
        let mapping = |range| Some(Region::Mapping(range));
        assert_eq!(region(maps, 0x1000), mapping(0x1000..0x3000));
        assert_eq!(region(maps, 0x2fff), mapping(0x1000..0x3000));
        assert_eq!(region(maps, 0x3000), mapping(0x3000..0x4000));
        assert_eq!(region(maps, 0x4000), None);
        assert_eq!(
            region(maps, 0x7fff_1000_8000),
            Some(Region::MainStack(0x7fff_0802_1000..0x7fff_1002_1000))
        );
    }

    #[test]
    fn a_thread_that_waits_is_asleep_and_one_that_spins_runs() {
        use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
        static STOP: AtomicBool = AtomicBool::new(false);
        static TID: AtomicI32 = AtomicI32::new(0);
        let spinning = std::thread::spawn(|| {
            // SAFETY: gettid takes nothing and cannot fail.
            TID.store(
                unsafe { libc::syscall(libc::SYS_gettid) } as i32,
                Ordering::SeqCst,
            );
            while !STOP.load(Ordering::SeqCst) {
                std::hint::spin_loop();
            }
            // Sleeps in a system call until the test lets it go.
            std::thread::park();
        });
        while TID.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        let tid = TID.load(Ordering::SeqCst);
        let file = open(tid).expect("the state of an own thread can be read");
        assert_eq!(read(&file), Place::Running);
        STOP.store(true, Ordering::SeqCst);
        let key = loop {
            if let Place::Asleep(key, _) = read(&file) {
                break key;
            }
            std::thread::yield_now();
        };
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        assert!(region(&maps, key.sp).is_some());
        assert!(started(tid).is_some());
        spinning.thread().unpark();
        spinning.join().unwrap();
    }
}
