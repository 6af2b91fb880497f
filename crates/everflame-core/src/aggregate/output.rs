//! Profiles as files: `<prefix>.<pid>.<sequence>.wall.pprof`, whole or not there at all.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

/// The file of a profile.
pub(super) fn path(prefix: &str, sequence: u64) -> PathBuf {
    format!("{prefix}.{}.{sequence}.wall.pprof", std::process::id()).into()
}

/// The first number of which no file of this process number and prefix exists: a program that executed this one
/// (execve(2)) had the same process number, and so has the first process of each run of a container.
pub(super) fn next_sequence(prefix: &str) -> u64 {
    let first = path(prefix, 0);
    let (Some(folder), Some(name)) = (first.parent(), first.file_name().and_then(OsStr::to_str))
    else {
        return 0;
    };
    let Some(start) = name.strip_suffix("0.wall.pprof") else {
        return 0;
    };
    // A folder that is not there yet has no files.
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let number = name.to_str()?.strip_prefix(start)?;
            number.strip_suffix(".wall.pprof")?.parse::<u64>().ok()
        })
        .max()
        .map_or(0, |last| last + 1)
}

/// Writes under a temporary name in the same folder and renames.
///
/// # Errors
/// The folder cannot be written, or the disk is full; nothing is left behind then.
pub(super) fn write(prefix: &str, sequence: u64, data: &[u8]) -> io::Result<()> {
    let target = path(prefix, sequence);
    // Not a name that JavaScript writes to: the pool of threads may be at it.
    let temporary = target.with_extension("pprof.sampler.tmp");
    let written = fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(data))
        .and_then(|()| fs::rename(&temporary, &target));
    if written.is_err() {
        // What could not be written may not even exist; the first error is the one to tell.
        fs::remove_file(&temporary).unwrap_or_default();
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_or_not_there() {
        let folder = std::env::temp_dir().join(format!("everflame-output-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let prefix = folder.join("app");
        let prefix = prefix.to_str().unwrap();
        write(prefix, 3, b"profile").unwrap();
        assert_eq!(fs::read(path(prefix, 3)).unwrap(), b"profile");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        assert_eq!(next_sequence(prefix), 4);
        fs::write(folder.join("app.1.77.wall.pprof"), b"another process").unwrap();
        fs::write(folder.join("app.x.wall.pprof"), b"no number").unwrap();
        assert_eq!(next_sequence(prefix), 4);
        assert_eq!(next_sequence(folder.join("other").to_str().unwrap()), 0);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(next_sequence(prefix), 0);
        assert!(write(prefix, 4, b"profile").is_err());
    }
}
