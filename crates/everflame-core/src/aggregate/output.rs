//! Profiles as files: `<prefix>.<pid>.<sequence>.wall.pprof`, whole or not there at all.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::signal::monotonic;

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

/// The file of what there is of a profile whose period goes on.
fn part_path(prefix: &str, sequence: u64) -> PathBuf {
    path(prefix, sequence).with_extension("pprof.part")
}

/// Writes a part of a profile in place of an earlier one.
///
/// # Errors
/// The folder cannot be written, or the disk is full; the earlier one is there still.
pub(super) fn write_part(prefix: &str, sequence: u64, data: &[u8]) -> io::Result<()> {
    let target = part_path(prefix, sequence);
    let temporary = target.with_extension(format!("part.{:x}.tmp", monotonic()));
    let written = create(&temporary)
        .and_then(|mut file| file.write_all(data))
        .and_then(|()| fs::rename(&temporary, &target));
    if written.is_err() {
        // As in `write`.
        fs::remove_file(&temporary).unwrap_or_default();
    }
    written
}

/// The whole profile is there.
pub(super) fn remove_part(prefix: &str, sequence: u64) {
    // Most profiles have none.
    fs::remove_file(part_path(prefix, sequence)).unwrap_or_default();
}

/// Writes under a temporary name in the same folder and gives it its own. Where that is taken, by the process of the same
/// number in another container, it is the next one that is free.
///
/// # Errors
/// The folder cannot be written, or the disk is full; nothing is left behind then.
pub(super) fn write(prefix: &str, sequence: u64, data: &[u8]) -> io::Result<()> {
    let target = path(prefix, sequence);
    let temporary = target.with_extension(format!("pprof.{:x}.tmp", monotonic()));
    let written = create(&temporary)
        .and_then(|mut file| file.write_all(data))
        .and_then(|()| place(&temporary, prefix, sequence, data));
    if written.is_err() {
        // What could not be written may not even exist; the first error is the one to tell.
        fs::remove_file(&temporary).unwrap_or_default();
    }
    written
}

fn create(path: &Path) -> io::Result<fs::File> {
    fs::File::create_new(path).or_else(|error| match path.parent() {
        // Somebody has removed the folder since the start.
        Some(folder) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            fs::File::create_new(path)
        }
        _ => Err(error),
    })
}

fn place(temporary: &Path, prefix: &str, sequence: u64, data: &[u8]) -> io::Result<()> {
    for number in sequence.. {
        let target = path(prefix, number);
        match fs::hard_link(temporary, &target) {
            Ok(()) => break,
            // JavaScript has written the very same profile, and was not able to say so yet.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if has(&target, data) {
                    break;
                }
            }
            // Not every file system has a second name for a file: an empty one takes the name, and is replaced.
            Err(_) => match fs::File::create_new(&target) {
                Ok(_) => return fs::rename(temporary, &target),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            },
        }
    }
    fs::remove_file(temporary)
}

/// Whether a file holds exactly this.
fn has(path: &Path, data: &[u8]) -> bool {
    let is_as_long = |found: fs::Metadata| found.is_file() && found.len() == data.len() as u64;
    fs::metadata(path).is_ok_and(is_as_long) && fs::read(path).is_ok_and(|found| found == data)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let process = std::process::id();
            let folder = std::env::temp_dir().join(format!("everflame-output-{name}-{process}"));
            fs::create_dir_all(&folder).unwrap();
            Folder(folder)
        }

        fn prefix(&self) -> String {
            self.0.join("app").to_str().unwrap().to_owned()
        }

        fn files(&self) -> usize {
            fs::read_dir(&self.0).unwrap().count()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            // What is left of a temporary folder harms nobody.
            fs::remove_dir_all(&self.0).unwrap_or_default();
        }
    }

    #[test]
    fn a_file_is_whole_or_not_there() {
        let folder = Folder::new("whole");
        let prefix = folder.prefix();
        write(&prefix, 3, b"profile").unwrap();
        assert_eq!(fs::read(path(&prefix, 3)).unwrap(), b"profile");
        assert_eq!(folder.files(), 1);
        assert_eq!(next_sequence(&prefix), 4);
        fs::write(folder.0.join("app.1.77.wall.pprof"), b"another process").unwrap();
        fs::write(folder.0.join("app.x.wall.pprof"), b"no number").unwrap();
        assert_eq!(next_sequence(&prefix), 4);
        assert_eq!(next_sequence(folder.0.join("other").to_str().unwrap()), 0);
        fs::remove_dir_all(&folder.0).unwrap();
        assert_eq!(next_sequence(&prefix), 0);
        write(&prefix, 4, b"profile").unwrap();
        assert_eq!(folder.files(), 1, "the folder is made again");
        fs::remove_dir_all(&folder.0).unwrap();
        fs::write(&folder.0, b"no folder").unwrap();
        assert!(write(&prefix, 4, b"profile").is_err());
        fs::remove_file(&folder.0).unwrap();
    }

    #[test]
    fn no_file_is_written_over_and_none_twice() {
        let folder = Folder::new("taken");
        let prefix = folder.prefix();
        fs::write(path(&prefix, 0), b"of another").unwrap();
        fs::write(path(&prefix, 1), b"of another too").unwrap();
        for _ in 0..2 {
            write(&prefix, 0, b"profile").unwrap();
            assert_eq!(folder.files(), 3);
        }
        assert_eq!(fs::read(path(&prefix, 0)).unwrap(), b"of another");
        assert_eq!(fs::read(path(&prefix, 2)).unwrap(), b"profile");
    }
}
