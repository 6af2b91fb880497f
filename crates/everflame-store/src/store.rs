//! The store: one process writes, any number read.

use crate::database::{self, FILE, engine_error};
use crate::dictionaries::Dictionaries;
use crate::error::StoreError;
use crate::maintain::{self, Maintained, Retention};
use crate::query::{
    Answer, Asker, Found, Granularity, Key, ProfileHead, Selection, Series, Service, SourceLine,
    Table, TableBy, Timeline, Tree,
};
use crate::read::Limits;
use crate::upload::{self, Outcome, Prepared, Upload};
use crate::writer::{self, Failure};
use rusqlite::Connection;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// File that the writing process holds; its number stands in it.
const LOCK: &str = "writer.lock";

/// Connections that are kept for the next question.
const KEPT_READERS: usize = 4;

pub struct Store {
    folder: PathBuf,
    path: PathBuf,
    limits: Limits,
    dictionaries: Dictionaries,
    writer: Option<Mutex<Connection>>,
    readers: Mutex<Vec<Connection>>,
    _lock: Option<File>,
}

/// How much the store holds.
#[derive(Clone, Debug)]
pub struct Status {
    pub folder: PathBuf,
    /// On disk.
    pub bytes: u64,
    /// Profiles, and sums of hours whose profiles are not kept any more.
    pub profiles: u64,
}

impl Store {
    /// Opens the store in a folder for writing, and makes it where there is none. Another process that writes it is an error.
    pub fn open(folder: &Path) -> Result<Store, StoreError> {
        make_folder(folder)?;
        let lock = take_lock(folder)?;
        let path = folder.join(FILE);
        let connection = database::open_to_write(&path)?;
        Ok(Store {
            folder: folder.to_owned(),
            path,
            limits: Limits::default(),
            dictionaries: Dictionaries::default(),
            writer: Some(Mutex::new(connection)),
            readers: Mutex::default(),
            _lock: Some(lock),
        })
    }

    /// Opens it for questions only, also while another process writes.
    pub fn open_to_read(folder: &Path) -> Result<Store, StoreError> {
        let path = folder.join(FILE);
        let connection = database::open_to_read(&path)?;
        Ok(Store {
            folder: folder.to_owned(),
            path,
            limits: Limits::default(),
            dictionaries: Dictionaries::default(),
            writer: None,
            readers: Mutex::new(vec![connection]),
            _lock: None,
        })
    }

    /// Reads the profiles of an upload; for `commit`. Any number of threads may do so at once.
    pub fn prepare(&self, upload: Upload) -> Prepared {
        upload.prepare(&self.limits)
    }

    /// Puts uploads into the store: all of them or, where this fails, none. They are on the disk when it returns.
    pub fn commit(&self, uploads: Vec<Prepared>) -> Result<Vec<Vec<Outcome>>, StoreError> {
        let mut connection = self
            .writer()?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        writer::commit(&mut connection, &self.dictionaries, uploads)
            .map_err(|failure| self.failed(failure))
    }

    /// Adds up hours that are over, and removes what is too old or too much. For once a minute.
    pub fn maintain(&self, retention: &Retention) -> Result<Maintained, StoreError> {
        self.maintain_at(retention, upload::now())
    }

    /// As `maintain`, at another time: nanoseconds since the epoch.
    pub fn maintain_at(&self, retention: &Retention, now: i64) -> Result<Maintained, StoreError> {
        let mut connection = self
            .writer()?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        maintain::maintain(&mut connection, &self.dictionaries, retention, now)
            .map_err(|failure| self.failed(failure))
    }

    pub fn services(&self) -> Result<Vec<Service>, StoreError> {
        self.ask(|asker| asker.services())
    }

    /// Keys of labels and tags, each with `most` values, and the sum of all samples.
    pub fn labels(
        &self,
        selection: &Selection,
        most: usize,
    ) -> Result<Answer<(Vec<Key>, u64)>, StoreError> {
        self.ask(|asker| asker.labels(selection, most))
    }

    /// The newest first, and how many more there are.
    pub fn profiles(
        &self,
        selection: &Selection,
        most: usize,
    ) -> Result<(Vec<ProfileHead>, usize), StoreError> {
        self.ask(|asker| asker.profiles(selection, most))
    }

    /// Sums of `step` nanoseconds each, by the values of a key.
    pub fn series(
        &self,
        selection: &Selection,
        step: i64,
        by: Option<&str>,
        most: usize,
    ) -> Result<Answer<Series>, StoreError> {
        self.ask(|asker| asker.series(selection, step, by, most))
    }

    /// With `by`, each of the key's values is a node below the root.
    pub fn tree(
        &self,
        selection: &Selection,
        granularity: Granularity,
        by: Option<&str>,
        most: usize,
    ) -> Result<Answer<Tree>, StoreError> {
        self.ask(|asker| asker.tree(selection, granularity, by, most))
    }

    /// One tree with the values of both selections, and what was found of the second.
    pub fn diff(
        &self,
        a: &Selection,
        b: &Selection,
        granularity: Granularity,
        most: usize,
    ) -> Result<(Answer<Tree>, Found), StoreError> {
        self.ask(|asker| asker.diff(a, b, granularity, most))
    }

    /// Callers and callees of a function; of one file only where that is not empty.
    pub fn sandwich(
        &self,
        selection: &Selection,
        name: &str,
        file: &str,
        most: usize,
    ) -> Result<Answer<(Tree, Tree)>, StoreError> {
        self.ask(|asker| asker.sandwich(selection, name, file, most))
    }

    /// Rows, the largest first, and the sum of all samples.
    pub fn table(
        &self,
        selection: &Selection,
        by: &TableBy,
        most: usize,
    ) -> Result<Answer<(Table, u64)>, StoreError> {
        self.ask(|asker| asker.table(selection, by, most))
    }

    /// Cost of each line of a file, and the sum of all samples.
    pub fn lines(
        &self,
        selection: &Selection,
        file: &str,
    ) -> Result<Answer<(Vec<SourceLine>, u64)>, StoreError> {
        self.ask(|asker| asker.lines(selection, file))
    }

    /// Every kind of value as one profile.proto, compressed with gzip.
    pub fn pprof(&self, selection: &Selection) -> Result<Vec<u8>, StoreError> {
        self.ask(|asker| asker.pprof(selection))
    }

    /// Samples by thread and time, `most` at most.
    pub fn timeline(&self, selection: &Selection, most: usize) -> Result<Timeline, StoreError> {
        self.ask(|asker| asker.timeline(selection, most))
    }

    pub fn status(&self) -> Result<Status, StoreError> {
        let profiles = self.ask(|asker| {
            asker
                .connection
                .query_row(
                    "SELECT count(*) FROM block WHERE level = 0 OR only = 1",
                    [],
                    |row| row.get::<_, i64>(0),
                )
                .map_err(engine_error(&self.path))
        })?;
        Ok(Status {
            folder: self.folder.clone(),
            bytes: maintain::disk_bytes(&self.folder),
            profiles: profiles as u64,
        })
    }

    /// Answers from one state of the file.
    fn ask<T>(
        &self,
        question: impl FnOnce(&Asker) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let kept = self
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => database::open_to_read(&self.path)?,
        };
        let transaction = connection.transaction().map_err(engine_error(&self.path))?;
        let answer = question(&Asker {
            connection: &transaction,
            dictionaries: &self.dictionaries,
        });
        drop(transaction);
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < KEPT_READERS {
            readers.push(connection);
        }
        answer
    }

    fn writer(&self) -> Result<&Mutex<Connection>, StoreError> {
        self.writer.as_ref().ok_or(StoreError::ReadOnly)
    }

    fn failed(&self, failure: Failure) -> StoreError {
        match failure {
            Failure::Engine(cause) => engine_error(&self.path)(cause),
            Failure::Store(error) => error,
        }
    }
}

fn make_folder(folder: &Path) -> Result<(), StoreError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    // Paths and names of endpoints are nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|cause| StoreError::Folder {
        path: folder.to_owned(),
        cause,
    })
}

/// The lock goes with the process, however that ends.
fn take_lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join(LOCK);
    let failed = |cause| StoreError::Folder {
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
    if let Err(error) = file.try_lock() {
        return Err(match error {
            std::fs::TryLockError::WouldBlock => {
                let mut holder = String::new();
                // Whoever it is has the lock, whether the number can be read or not.
                let _ = file.read_to_string(&mut holder);
                StoreError::Held {
                    path: folder.to_owned(),
                    holder,
                }
            }
            std::fs::TryLockError::Error(cause) => failed(cause),
        });
    }
    file.set_len(0)
        .and_then(|()| write!(file, "{}", std::process::id()))
        .map_err(failed)?;
    Ok(file)
}
