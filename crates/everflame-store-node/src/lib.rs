//! Node-API bindings of the collector's store: conversion only. Everything that decides is in `everflame-store`.
//!
//! A binary of its own: a process that is profiled never maps it. Every question is answered on a thread of libuv's pool, as the
//! bytes that the HTTP API hands out (docs/api.md).

mod columns;
mod json;
mod question;
mod request;
mod upload;

use everflame_store::{Retention, Store, StoreError, TableBy};
use napi::bindgen_prelude::{AsyncTask, Error, Result, Status};
use napi_derive::napi;
use question::Question;
use request::{NativeSelection, granularity};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use upload::{Ingest, NativeUpload};

/// A store in a folder.
#[napi]
pub struct NativeStore {
    /// Gone after `close`; questions under way keep theirs.
    store: Mutex<Option<Arc<Store>>>,
}

/// What the store may hold. Ages in milliseconds.
#[napi(object)]
pub struct NativeRetention {
    /// Of single samples with their times.
    pub samples: f64,
    pub profiles: f64,
    /// Of sums of hours.
    pub hours: f64,
    pub bytes: f64,
}

impl From<NativeRetention> for Retention {
    fn from(retention: NativeRetention) -> Retention {
        let nanoseconds = |milliseconds: f64| request::nanoseconds(milliseconds);
        Retention {
            moments: nanoseconds(retention.samples),
            profiles: nanoseconds(retention.profiles),
            hours: nanoseconds(retention.hours),
            bytes: retention.bytes as u64,
        }
    }
}

/// Messages are `CODE: sentence`, with the codes of `StoreError::code`.
pub(crate) fn failed(error: StoreError) -> Error {
    Error::new(Status::GenericFailure, format!("{}: {error}", error.code()))
}

#[napi]
impl NativeStore {
    /// Opens the store of a folder for writing, and makes it where there is none; with `readOnly` for questions alone. What is
    /// damaged is repaired as it is opened for writing: see `repaired`. Throws where another process writes it, where it is of a
    /// newer version, and where the folder cannot be used. Here and elsewhere the message of an error is its code, a colon and a
    /// sentence; codes are `NOT_FOUND`, `BAD_QUERY`, `HELD`, `NEWER`, `FULL`, `DAMAGED` and `FAILED`.
    /// With `retention`, profiles of which `maintain` would leave nothing are refused.
    #[napi(factory)]
    pub fn open(
        folder: String,
        read_only: bool,
        retention: Option<NativeRetention>,
    ) -> Result<NativeStore> {
        let folder = Path::new(&folder);
        let store = if read_only {
            Store::open_to_read(folder)
        } else {
            Store::open(folder)
        };
        let mut store = store.map_err(failed)?;
        if let Some(retention) = retention {
            store.keep_for(&retention.into());
        }
        Ok(NativeStore {
            store: Mutex::new(Some(Arc::new(store))),
        })
    }

    /// What the last repair has kept and lost, as a sentence; it may come later than the opening, when a question meets damage.
    #[napi(getter)]
    pub fn repaired(&self) -> Result<Option<String>> {
        Ok(self.store()?.repaired().map(|repair| repair.to_string()))
    }

    /// Lets go of the file, when the last question under way is answered.
    #[napi]
    pub fn close(&self) {
        self.store
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    /// Keeps uploads, in one commit: they are on the disk when it resolves, to what became of each profile of
    /// each upload, in the order of its parts; a part of OTLP has as many as are in it.
    #[napi(ts_return_type = "Promise<Array<Array<NativeOutcome>>>")]
    pub fn ingest(&self, uploads: Vec<NativeUpload>) -> Result<AsyncTask<Ingest>> {
        let uploads = uploads
            .into_iter()
            .map(NativeUpload::into_upload)
            .collect::<Result<_>>()?;
        Ok(AsyncTask::new(Ingest {
            store: self.store()?,
            uploads,
        }))
    }

    /// Adds up hours that are over, removes what is too old or too much; resolves to JSON with what was done.
    #[napi(ts_return_type = "Promise<Buffer>")]
    pub fn maintain(&self, retention: NativeRetention) -> Result<AsyncTask<Question>> {
        let retention = Retention::from(retention);
        self.ask(move |store| Ok(json::maintained(&store.maintain(&retention)?)))
    }

    /// JSON of `/services`.
    #[napi(ts_return_type = "Promise<Buffer>")]
    pub fn services(&self) -> Result<AsyncTask<Question>> {
        self.ask(|store| Ok(json::services(&store.services()?)))
    }

    /// JSON of `/labels`.
    #[napi(ts_return_type = "Promise<Buffer>")]
    pub fn labels(&self, selection: NativeSelection, most: u32) -> Result<AsyncTask<Question>> {
        let selection = selection.into();
        self.ask(move |store| Ok(json::labels(&store.labels(&selection, most as usize)?)))
    }

    /// JSON of `/profiles`.
    #[napi(ts_return_type = "Promise<Buffer>")]
    pub fn profiles(&self, selection: NativeSelection, most: u32) -> Result<AsyncTask<Question>> {
        let selection = selection.into();
        self.ask(move |store| {
            let (profiles, more) = store.profiles(&selection, most as usize)?;
            Ok(json::profiles(&profiles, more))
        })
    }

    /// JSON of `/series`; `step` in milliseconds, `by` a key or `kind`.
    #[napi(ts_return_type = "Promise<Buffer>")]
    pub fn series(
        &self,
        selection: NativeSelection,
        step: f64,
        by: Option<String>,
        most: u32,
    ) -> Result<AsyncTask<Question>> {
        let (selection, step) = (selection.into(), request::nanoseconds(step));
        self.ask(move |store| {
            let answer = store.series(&selection, step, by.as_deref(), most as usize)?;
            Ok(json::series(&answer, selection.from))
        })
    }

    /// JSON of `/metrics`; `step` in milliseconds, `by` a tag or `thread`. The type of the selection says nothing here.
    #[napi(ts_return_type = "Promise<Buffer>")]
    pub fn metrics(
        &self,
        selection: NativeSelection,
        step: f64,
        by: Option<String>,
        most: u32,
    ) -> Result<AsyncTask<Question>> {
        let (selection, step) = (selection.into(), request::nanoseconds(step));
        self.ask(move |store| {
            let answer = store.metrics(&selection, step, by.as_deref(), most as usize)?;
            Ok(json::metrics(&answer, selection.from))
        })
    }

    /// Bytes of `/tree`; `frames` is `function`, `line`, `file` or `package`.
    #[napi(ts_return_type = "Promise<Buffer>")]
    pub fn tree(
        &self,
        selection: NativeSelection,
        frames: String,
        by: Option<String>,
        most: u32,
    ) -> Result<AsyncTask<Question>> {
        let (selection, frames) = (selection.into(), granularity(&frames)?);
        self.ask(move |store| {
            let answer = store.tree(&selection, frames, by.as_deref(), most as usize)?;
            Ok(columns::tree(
                &answer.kind,
                &answer.found,
                None,
                &answer.answer,
            ))
        })
    }

    /// Bytes of `/diff`.
    #[napi(ts_return_type = "Promise<Buffer>")]
    pub fn diff(
        &self,
        a: NativeSelection,
        b: NativeSelection,
        frames: String,
        most: u32,
    ) -> Result<AsyncTask<Question>> {
        let (a, b, frames) = (a.into(), b.into(), granularity(&frames)?);
        self.ask(move |store| {
            let (answer, found_b) = store.diff(&a, &b, frames, most as usize)?;
            Ok(columns::tree(
                &answer.kind,
                &answer.found,
                Some(&found_b),
                &answer.answer,
            ))
        })
    }

    /// Bytes of `/sandwich`.
    #[napi(ts_return_type = "Promise<Buffer>")]
    pub fn sandwich(
        &self,
        selection: NativeSelection,
        name: String,
        file: String,
        most: u32,
    ) -> Result<AsyncTask<Question>> {
        let selection = selection.into();
        self.ask(move |store| {
            let answer = store.sandwich(&selection, &name, &file, most as usize)?;
            let (callers, callees) = &answer.answer;
            let mut bytes = columns::tree(&answer.kind, &answer.found, None, callers);
            bytes.extend(columns::tree(&answer.kind, &answer.found, None, callees));
            Ok(bytes)
        })
    }

    /// JSON of `/table`; `by` is one of the four of `tree`, or a key of labels or tags.
    #[napi(ts_return_type = "Promise<Buffer>")]
    pub fn table(
        &self,
        selection: NativeSelection,
        by: String,
        most: u32,
    ) -> Result<AsyncTask<Question>> {
        let selection = selection.into();
        let by = granularity(&by).map_or(TableBy::Key(by), TableBy::Frame);
        self.ask(move |store| Ok(json::table(&store.table(&selection, &by, most as usize)?)))
    }

    /// JSON of `/lines`.
    #[napi(ts_return_type = "Promise<Buffer>")]
    pub fn lines(&self, selection: NativeSelection, file: String) -> Result<AsyncTask<Question>> {
        let selection = selection.into();
        self.ask(move |store| Ok(json::lines(&store.lines(&selection, &file)?)))
    }

    /// Bytes of `/timeline`.
    #[napi(ts_return_type = "Promise<Buffer>")]
    pub fn timeline(&self, selection: NativeSelection, most: u32) -> Result<AsyncTask<Question>> {
        let selection: everflame_store::Selection = selection.into();
        self.ask(move |store| {
            let answer = store.timeline(&selection, most as usize)?;
            Ok(columns::timeline(&answer, selection.from, selection.to))
        })
    }

    /// A pprof file, gzip, with every kind of value of the selection.
    #[napi(ts_return_type = "Promise<Buffer>")]
    pub fn pprof(&self, selection: NativeSelection) -> Result<AsyncTask<Question>> {
        let selection = selection.into();
        self.ask(move |store| store.pprof(&selection))
    }

    /// JSON with `path`, `bytes`, `profiles` and `metricsLeftOut`.
    #[napi(ts_return_type = "Promise<Buffer>")]
    pub fn status(&self) -> Result<AsyncTask<Question>> {
        self.ask(|store| Ok(json::status(&store.status()?)))
    }

    fn ask(
        &self,
        question: impl FnOnce(&Store) -> std::result::Result<Vec<u8>, StoreError> + Send + 'static,
    ) -> Result<AsyncTask<Question>> {
        Ok(AsyncTask::new(Question::new(self.store()?, question)))
    }

    fn store(&self) -> Result<Arc<Store>> {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store
            .clone()
            .ok_or_else(|| Error::new(Status::GenericFailure, "FAILED: the store is closed"))
    }
}
