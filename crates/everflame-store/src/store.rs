//! The store: one process writes, any number read.

use crate::database::{self, FILE, engine_error};
use crate::dictionaries::Dictionaries;
use crate::error::StoreError;
use crate::lock::Lock;
use crate::maintain::{self, Maintained, Retention};
use crate::query::{
    Answer, Asker, Found, Granularity, Key, Metrics, ProfileHead, Selection, Series, Service,
    SourceLine, Table, TableBy, Timeline, Tree,
};
use crate::read::{Limits, requests_types};
use crate::read_ahead::ReadAhead;
use crate::repair::{self, Repair};
use crate::schema;
use crate::upload::{self, Outcome, Prepared, Upload};
use crate::writer::{self, Committed, Failure, types_text};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Connections that are kept for the next question.
const KEPT_READERS: usize = 4;

/// Repairs of a store while it is used. A disk that damages it again and again is not one to go on with.
const MOST_REPAIRS: u32 = 2;

pub struct Store {
    folder: PathBuf,
    path: PathBuf,
    limits: Limits,
    opened: RwLock<Arc<Opened>>,
    writer: Option<Writer>,
}

/// What belongs to one file: after a repair there is another in its place, and whoever asks at that time goes on with this one.
struct Opened {
    file: Option<Identity>,
    dictionaries: Dictionaries,
    readers: Mutex<Vec<Connection>>,
}

/// Number of the device and of the file on it.
type Identity = (u64, u64);

struct Writer {
    connection: Mutex<Connection>,
    lock: Lock,
    repaired: Mutex<Option<Repair>>,
    repairs: AtomicU32,
    /// Answers leave out what is damaged: the next one who opens the store shall look at all of it.
    is_suspect: AtomicBool,
    /// Metrics that profiles brought and that could not be read.
    left_out: AtomicU64,
}

/// How much the store holds.
#[derive(Clone, Debug)]
pub struct Status {
    pub folder: PathBuf,
    /// On disk.
    pub bytes: u64,
    /// Profiles, and sums of hours whose profiles are not kept any more.
    pub profiles: u64,
    /// Metrics that profiles brought and that could not be read, since the store was opened for writing.
    pub left_out: u64,
}

impl Store {
    /// Opens the store in a folder for writing, and makes it where there is none. Another process that writes it is an error.
    /// Where the store is damaged, what is whole in it is kept: see `repaired`.
    pub fn open(folder: &Path) -> Result<Store, StoreError> {
        make_folder(folder)?;
        let lock = Lock::take(folder)?;
        let path = folder.join(FILE);
        repair::finish_interrupted(folder)?;
        if lock.was_left {
            repair::read_ahead(folder);
        }
        let opened = database::open_to_write(&path).and_then(|mut connection| {
            let repaired = match lock.was_left {
                true => repair::check(&path, &mut connection)?,
                false => None,
            };
            // Not before it is looked at: what is damaged is put aside as it was.
            schema::upgrade(&mut connection).map_err(engine_error(&path))?;
            Ok((connection, repaired))
        });
        let (connection, repaired) = match opened {
            Err(error) if error.is_damage() => {
                let repaired = repair::rebuild(folder, &error)?;
                (database::open_to_write(&path)?, Some(repaired))
            }
            opened => opened?,
        };
        Ok(Store {
            folder: folder.to_owned(),
            opened: RwLock::new(Opened::new(&path, Vec::new())),
            path,
            limits: Limits::default(),
            writer: Some(Writer {
                connection: Mutex::new(connection),
                lock,
                repaired: Mutex::new(repaired),
                repairs: AtomicU32::new(0),
                is_suspect: AtomicBool::new(false),
                left_out: AtomicU64::new(0),
            }),
        })
    }

    /// Opens it for questions only, also while another process writes.
    pub fn open_to_read(folder: &Path) -> Result<Store, StoreError> {
        let path = folder.join(FILE);
        let connection = database::open_to_read(&path)?;
        Ok(Store {
            folder: folder.to_owned(),
            opened: RwLock::new(Opened::new(&path, vec![connection])),
            path,
            limits: Limits::default(),
            writer: None,
        })
    }

    /// What the last repair of this store has kept and lost, since it was opened or at that time.
    pub fn repaired(&self) -> Option<Repair> {
        let writer = self.writer.as_ref()?;
        locked(&writer.repaired).clone()
    }

    /// From now on, profiles of which the next `maintain` would leave nothing are refused.
    pub fn keep_for(&mut self, retention: &Retention) {
        self.limits.age = retention.hours.max(retention.profiles);
    }

    /// Reads the profiles of an upload; for `commit`. Any number of threads may do so at once.
    pub fn prepare(&self, upload: Upload) -> Prepared {
        upload.prepare(&self.limits)
    }

    /// Reads uploads and puts them into the store: all of them or, where this fails, none. They are on the disk when it
    /// returns. While one is put in, another thread reads the next; no more than a few are in memory as they are read.
    pub fn ingest(&self, uploads: Vec<Upload>) -> Result<Vec<Vec<Outcome>>, StoreError> {
        if uploads.len() < 2 {
            let prepared = uploads.into_iter().map(|upload| self.prepare(upload));
            return self.commit(prepared.collect());
        }
        self.write(|connection, dictionaries| {
            let reading = ReadAhead::new(&uploads, &self.limits);
            std::thread::scope(|scope| {
                // Where the system has no thread left for it, this one reads all of them.
                let _ = std::thread::Builder::new().spawn_scoped(scope, || reading.run());
                writer::commit(connection, dictionaries, reading.prepared())
            })
        })
        .map(|committed| self.count(committed))
    }

    /// Puts uploads into the store: all of them or, where this fails, none. They are on the disk when it returns.
    pub fn commit(&self, uploads: Vec<Prepared>) -> Result<Vec<Vec<Outcome>>, StoreError> {
        self.write(|connection, dictionaries| writer::commit(connection, dictionaries, &uploads))
            .map(|committed| self.count(committed))
    }

    /// What became of the uploads; takes note of metrics that were left out.
    fn count(&self, committed: Committed) -> Vec<Vec<Outcome>> {
        if let Some(writer) = &self.writer {
            writer
                .left_out
                .fetch_add(committed.left_out, Ordering::Relaxed);
        }
        committed.outcomes
    }

    /// Adds up hours that are over, and removes what is too old or too much. For once a minute.
    pub fn maintain(&self, retention: &Retention) -> Result<Maintained, StoreError> {
        self.maintain_at(retention, upload::now())
    }

    /// As `maintain`, at another time: nanoseconds since the epoch.
    pub fn maintain_at(&self, retention: &Retention, now: i64) -> Result<Maintained, StoreError> {
        self.write(|connection, dictionaries| {
            maintain::maintain(connection, dictionaries, retention, now)
        })
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
        self.ask_found(
            |asker| asker.series(selection, step, by, most),
            |answer| answer.found.damaged,
        )
    }

    /// What processes tell of themselves, in steps of `step` nanoseconds; by a tag, or by thread. `kind` is no part of the question,
    /// and filters are for tags.
    pub fn metrics(
        &self,
        selection: &Selection,
        step: i64,
        by: Option<&str>,
        most: usize,
    ) -> Result<Metrics, StoreError> {
        self.ask_found(
            |asker| asker.metrics(selection, step, by, most),
            |answer| answer.damaged,
        )
    }

    /// With `by`, each of the key's values is a node below the root.
    pub fn tree(
        &self,
        selection: &Selection,
        granularity: Granularity,
        by: Option<&str>,
        most: usize,
    ) -> Result<Answer<Tree>, StoreError> {
        self.ask_found(
            |asker| asker.tree(selection, granularity, by, most),
            |answer| answer.found.damaged,
        )
    }

    /// One tree with the values of both selections, and what was found of the second.
    pub fn diff(
        &self,
        a: &Selection,
        b: &Selection,
        granularity: Granularity,
        most: usize,
    ) -> Result<(Answer<Tree>, Found), StoreError> {
        self.ask_found(
            |asker| asker.diff(a, b, granularity, most),
            |(answer, found_b)| answer.found.damaged + found_b.damaged,
        )
    }

    /// Callers and callees of a function; of one file only where that is not empty.
    pub fn sandwich(
        &self,
        selection: &Selection,
        name: &str,
        file: &str,
        most: usize,
    ) -> Result<Answer<(Tree, Tree)>, StoreError> {
        self.ask_found(
            |asker| asker.sandwich(selection, name, file, most),
            |answer| answer.found.damaged,
        )
    }

    /// Rows, the largest first, and the sum of all samples.
    pub fn table(
        &self,
        selection: &Selection,
        by: &TableBy,
        most: usize,
    ) -> Result<Answer<(Table, u64)>, StoreError> {
        self.ask_found(
            |asker| asker.table(selection, by, most),
            |answer| answer.found.damaged,
        )
    }

    /// Cost of each line of a file, and the sum of all samples.
    pub fn lines(
        &self,
        selection: &Selection,
        file: &str,
    ) -> Result<Answer<(Vec<SourceLine>, u64)>, StoreError> {
        self.ask_found(
            |asker| asker.lines(selection, file),
            |answer| answer.found.damaged,
        )
    }

    /// Every kind of value as one profile.proto, compressed with gzip.
    pub fn pprof(&self, selection: &Selection) -> Result<Vec<u8>, StoreError> {
        self.ask(|asker| asker.pprof(selection))
    }

    /// Samples by thread and time, `most` at most.
    pub fn timeline(&self, selection: &Selection, most: usize) -> Result<Timeline, StoreError> {
        self.ask_found(
            |asker| asker.timeline(selection, most),
            |timeline| timeline.damaged,
        )
    }

    pub fn status(&self) -> Result<Status, StoreError> {
        let profiles = self.ask(|asker| {
            asker
                .connection
                .query_row(
                    "SELECT count(*) FROM block WHERE (level = 0 OR only = 1) AND shape NOT IN (SELECT id FROM shape WHERE types = ?1)",
                    [types_text(&requests_types())],
                    |row| row.get::<_, i64>(0),
                )
                .map_err(engine_error(&self.path))
        })?;
        Ok(Status {
            folder: self.folder.clone(),
            bytes: maintain::disk_bytes(&self.folder),
            profiles: profiles as u64,
            left_out: self
                .writer
                .as_ref()
                .map_or(0, |writer| writer.left_out.load(Ordering::Relaxed)),
        })
    }

    /// Answers from one state of the file. One that is damaged is repaired, if this process writes it.
    fn ask<T>(&self, question: impl Fn(&Asker) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let opened = self.opened();
        match self.ask_once(&opened, &question) {
            Err(error) if error.is_damage() && self.writer.is_some() => {
                self.repair(&opened, error)?;
                self.ask_once(&self.opened(), &question)
            }
            answer => answer,
        }
    }

    fn ask_once<T>(
        &self,
        opened: &Opened,
        question: &impl Fn(&Asker) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let kept = locked(&opened.readers).pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => database::open_to_read(&self.path)?,
        };
        let transaction = connection.transaction().map_err(engine_error(&self.path))?;
        let answer = question(&Asker {
            connection: &transaction,
            dictionaries: &opened.dictionaries,
        });
        drop(transaction);
        let mut readers = locked(&opened.readers);
        if readers.len() < KEPT_READERS {
            readers.push(connection);
        }
        answer
    }

    /// The same, and takes note of blocks that the answer has left out.
    fn ask_found<T>(
        &self,
        question: impl Fn(&Asker) -> Result<T, StoreError>,
        damaged: impl Fn(&T) -> u64,
    ) -> Result<T, StoreError> {
        let answer = self.ask(question)?;
        if let Some(writer) = &self.writer
            && damaged(&answer) > 0
        {
            writer.is_suspect.store(true, Ordering::Relaxed);
        }
        Ok(answer)
    }

    /// Writes; a store that is damaged is repaired first.
    fn write<T>(
        &self,
        change: impl Fn(&mut Connection, &Dictionaries) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let writer = self.writer.as_ref().ok_or(StoreError::ReadOnly)?;
        let attempt = |opened: &Opened| {
            change(&mut locked(&writer.connection), &opened.dictionaries).map_err(|failure| {
                match failure {
                    Failure::Engine(cause) => engine_error(&self.path)(cause),
                    Failure::Store(error) => error,
                }
            })
        };
        let opened = self.opened();
        match attempt(&opened) {
            Err(error) if error.is_damage() => {
                self.repair(&opened, error)?;
                attempt(&self.opened())
            }
            done => done,
        }
    }

    /// Makes the store anew from what is whole, unless another thread has done so since `seen`.
    fn repair(&self, seen: &Arc<Opened>, why: StoreError) -> Result<(), StoreError> {
        let Some(writer) = &self.writer else {
            return Err(why);
        };
        let mut connection = locked(&writer.connection);
        if !Arc::ptr_eq(seen, &self.opened()) {
            return Ok(());
        }
        if writer.repairs.fetch_add(1, Ordering::Relaxed) >= MOST_REPAIRS {
            writer.is_suspect.store(true, Ordering::Relaxed);
            return Err(why);
        }
        // The file is closed before another is put into its place.
        *connection = Connection::open_in_memory().map_err(engine_error(&self.path))?;
        locked(&seen.readers).clear();
        let rebuilt = repair::rebuild(&self.folder, &why);
        // Also where it failed: the file is what it was.
        *connection = database::open_to_write(&self.path)?;
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) =
            Opened::new(&self.path, Vec::new());
        *locked(&writer.repaired) = Some(rebuilt?);
        Ok(())
    }

    /// The file that is in its place now. One who only reads learns here that the writer has repaired it.
    fn opened(&self) -> Arc<Opened> {
        let opened = self
            .opened
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if self.writer.is_some() || opened.file == identity(&self.path) {
            return opened;
        }
        let new = Opened::new(&self.path, Vec::new());
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = new.clone();
        new
    }
}

impl Opened {
    fn new(path: &Path, readers: Vec<Connection>) -> Arc<Opened> {
        Arc::new(Opened {
            file: identity(path),
            dictionaries: Dictionaries::default(),
            readers: Mutex::new(readers),
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let connection = std::mem::replace(
            self.connection
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner),
            match Connection::open_in_memory() {
                Ok(nothing) => nothing,
                Err(_) => return,
            },
        );
        if connection.close().is_ok()
            && !self.is_suspect.load(Ordering::Relaxed)
            && !std::thread::panicking()
        {
            self.lock.leave_clean();
        }
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    path.metadata()
        .ok()
        .map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Elsewhere a file that is open cannot be replaced.
#[cfg(not(unix))]
fn identity(_: &Path) -> Option<Identity> {
    None
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
