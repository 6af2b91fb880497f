//! Where a thread's stack begins, by the names that C libraries give their first functions.

/// The function that calls `main`, or a thread's own function.
const ROOTS: [&str; 4] = [
    "__libc_start_call_main",
    "__libc_start_main",
    "__libc_start_main_impl",
    "start_thread",
];

/// Before the first function of a thread: the kernel's entry and the system call that made it.
const ENTRIES: [&str; 5] = ["_start", "clone", "clone3", "__clone", "__clone3"];

/// Whether a stack that ends with this function is whole. The C library's first frames keep no frame pointer, so the chain
/// looks broken there.
pub(super) fn is_root(name: &str) -> bool {
    ROOTS.contains(&name) || ENTRIES.contains(&name)
}

/// Whether this is the function that a worker's thread runs.
pub(super) fn is_worker(name: &str) -> bool {
    name.contains("worker::Worker::StartThread")
}

/// How many of the outermost frames to leave out. Unwind tables lead farther than frame pointers; without a common end one
/// thread's stacks would have two roots. `name` gives the function's name by its distance from the outermost.
pub(super) fn frames_before<'a>(name: impl Fn(usize) -> Option<&'a str>) -> usize {
    let mut before = 0;
    while let (Some(last), Some(inner)) = (name(before), name(before + 1)) {
        let outside_main = inner == "__libc_start_call_main" && ROOTS.contains(&last);
        if !outside_main && !ENTRIES.contains(&last) {
            break;
        }
        before += 1;
    }
    before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(outermost_first: &[&str]) -> usize {
        frames_before(|distance| outermost_first.get(distance).copied())
    }

    #[test]
    fn every_stack_of_a_thread_has_the_same_end() {
        assert_eq!(
            before(&[
                "_start",
                "__libc_start_main_impl",
                "__libc_start_call_main",
                "main"
            ]),
            2
        );
        assert_eq!(before(&["__libc_start_call_main", "main"]), 0);
        assert_eq!(before(&["_start", "__libc_start_main", "main"]), 1);
        assert_eq!(before(&["clone3", "start_thread", "worker"]), 1);
        assert_eq!(before(&["start_thread", "worker"]), 0);
    }

    #[test]
    fn a_stack_is_never_left_empty() {
        assert_eq!(before(&["clone3"]), 0);
        assert_eq!(before(&["_start", "clone"]), 1);
        assert_eq!(before(&[]), 0);
    }
}
