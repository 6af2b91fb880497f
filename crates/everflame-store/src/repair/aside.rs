//! Puts a new file in the place of a damaged one, so that at any instant one of the two is there as a whole.

use super::Repair;
use super::source::COPY;
use crate::database::FILE;
use crate::error::StoreError;
use rusqlite::Connection;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The new file while it is made, and when it only has to be put in its place.
const MAKING: &str = "repairing.sqlite";
const MADE: &str = "repaired.sqlite";
const REPORT: &str = "report.txt";
/// Beginning of the names of folders with damaged files.
const DAMAGED: &str = "damaged-";
/// Folders that are kept.
const MOST_DAMAGED: usize = 2;

/// Removes what is left of a repair that did not come to its end, and says where the new file is made.
pub(crate) fn clear(folder: &Path) -> Result<PathBuf, StoreError> {
    remove_left(folder).map_err(failed(folder))?;
    Ok(folder.join(MAKING))
}

fn remove_left(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("repairing") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Moves the damaged files into a folder of their own, with the report, and the new one to their place. Returns the folder.
pub(crate) fn swap(folder: &Path, repair: &mut Repair) -> Result<PathBuf, StoreError> {
    let moved = || -> io::Result<PathBuf> {
        let aside = new_folder(folder)?;
        repair.damaged = Some(aside.clone());
        fs::write(aside.join(REPORT), format!("{repair}\n"))?;
        fs::File::open(folder.join(MAKING))?.sync_all()?;
        // From here on the repair is finished by whoever opens the store.
        fs::rename(folder.join(MAKING), folder.join(MADE))?;
        sync(folder);
        finish(folder, &aside)?;
        Ok(aside)
    };
    let mut moved = moved;
    moved().map_err(failed(folder))
}

/// Finishes a repair whose new file is made.
pub(crate) fn finish_interrupted(folder: &Path) -> Result<(), StoreError> {
    if !folder.join(MADE).exists() {
        return Ok(());
    }
    let finished = || -> io::Result<()> {
        let aside = match damaged_folders(folder)?.pop() {
            Some(newest) => newest,
            None => new_folder(folder)?,
        };
        finish(folder, &aside)
    };
    finished().map_err(failed(folder))
}

fn finish(folder: &Path, aside: &Path) -> io::Result<()> {
    // The log first: beside the new file SQLite would take it for the new one's.
    for end in ["-wal", "-shm", ""] {
        let name = format!("{FILE}{end}");
        match fs::rename(folder.join(&name), aside.join(&name)) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            _ => (),
        }
    }
    fs::rename(folder.join(MADE), folder.join(FILE))?;
    sync(folder);
    for end in ["", "-wal", "-shm"] {
        // It is there only where the beginning was not readable.
        let _ = fs::remove_file(folder.join(format!("{COPY}{end}")));
    }
    let mut folders = damaged_folders(folder)?;
    folders.truncate(folders.len().saturating_sub(MOST_DAMAGED));
    folders.iter().try_for_each(fs::remove_dir_all)
}

/// The oldest first.
fn damaged_folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    folders.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(DAMAGED) && path.is_dir()
    });
    folders.sort_unstable();
    Ok(folders)
}

/// A folder with the time in its name. Several of one second are told apart by a number.
fn new_folder(folder: &Path) -> io::Result<PathBuf> {
    let time: String = Connection::open_in_memory()
        .and_then(|connection| {
            connection.query_row("SELECT strftime('%Y-%m-%dT%H-%M-%fZ')", [], |row| {
                row.get(0)
            })
        })
        .map_err(io::Error::other)?;
    for number in 0..1000 {
        let name = match number {
            0 => format!("{DAMAGED}{time}"),
            _ => format!("{DAMAGED}{time}-{number:03}"),
        };
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(folder.join(&name)) {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => continue,
            made => return made.map(|()| folder.join(name)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Names reach the disk in the order in which they were given.
fn sync(folder: &Path) {
    // Not every file system can, and then it does so itself.
    let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
}

fn failed(folder: &Path) -> impl Fn(io::Error) -> StoreError + use<> {
    let path = folder.to_owned();
    move |cause| StoreError::File {
        path: path.clone(),
        cause,
    }
}
