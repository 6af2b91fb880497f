//! Opens files in folders that anybody may have filled.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use crate::descriptor_limit::leave_last;

/// Opens a file to be read. A pipe in its place must not stop the thread. Where the program has no descriptor left it may have one at
/// the next moment, and what would be said of the file is not true of it: so this waits a little.
pub(super) fn open(path: &Path) -> io::Result<File> {
    const TRIES: u32 = 20;
    const PAUSE: Duration = Duration::from_millis(5);
    for _ in 0..TRIES {
        match open_now(path) {
            Err(error) if are_descriptors_out(&error) => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
    open_now(path)
}

fn open_now(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
        .and_then(leave_last)
}

/// Those of the process, or those of the system (open(2)).
fn are_descriptors_out(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}
