//! The file that the writing process holds. Its number stands in it until it has closed the store: so the next one knows whether
//! the last came to its end.

use crate::error::StoreError;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::Path;

const FILE: &str = "writer.lock";

pub(crate) struct Lock {
    file: File,
    /// The last writer was killed, or had to leave a damaged store.
    pub(crate) was_left: bool,
}

impl Lock {
    /// It goes with the process, however that ends.
    pub(crate) fn take(folder: &Path) -> Result<Lock, StoreError> {
        let path = folder.join(FILE);
        let failed = |cause| StoreError::File {
            path: path.clone(),
            cause,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        let held = file.try_lock();
        let mut holder = String::new();
        // Whoever it is has the lock, whether the number can be read or not.
        let _ = file.read_to_string(&mut holder);
        match held {
            Ok(()) => (),
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(StoreError::Held {
                    path: folder.to_owned(),
                    holder,
                });
            }
            Err(std::fs::TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{}", std::process::id()))
            .map_err(failed)?;
        Ok(Lock {
            file,
            was_left: !holder.is_empty(),
        })
    }

    /// The store is closed, and nothing is known to be wrong with it.
    pub(crate) fn leave_clean(&self) {
        // Else the next one checks the store, which is no harm.
        let _ = self.file.set_len(0);
    }
}
