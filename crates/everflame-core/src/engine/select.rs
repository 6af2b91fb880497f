//! Picks the engine, says why, and why not the others.

use super::ctimer::Ctimer;
use super::itimer::Itimer;
use super::perf::Perf;
use super::tick::Tick;
use super::{Engine, EngineError};
use crate::signal::{InstallError, Installed, choose, install};

/// The engine at work.
pub struct Selected {
    pub engine: Box<dyn Engine>,
    pub signal: Installed,
    pub reason: String,
    pub rejected: Vec<Rejected>,
}

/// An engine that was not taken.
pub struct Rejected {
    pub engine: &'static str,
    pub reason: String,
}

/// Cheapest at full accuracy first (docs/engines.md has the measurements).
const ORDER: [&str; 4] = ["ctimer", "tick", "perf", "itimer"];

/// Starts the engine named, or with `auto` the first of [`ORDER`] that works here.
///
/// # Errors
/// A named engine or none at all can work here, a named signal is taken, or no signal is free.
pub fn select(wanted: &str, signal: Option<&str>, interval: u64) -> Result<Selected, EngineError> {
    if wanted != "auto" {
        let Some(name) = ORDER.into_iter().find(|name| *name == wanted) else {
            return Err(EngineError::Unknown(wanted.to_owned()));
        };
        let (engine, signal) = create(name, signal, interval)?;
        return Ok(Selected {
            reason: describe("asked for", &*engine),
            engine,
            signal,
            rejected: Vec::new(),
        });
    }
    // A signal that cannot be had is no reason to try engines that need another: whoever named it, or has handled all
    // that there are, is told so.
    choose(signal)?;
    let mut rejected = Vec::new();
    let mut names = ORDER.into_iter();
    while let Some(name) = names.next() {
        match create(name, signal, interval) {
            Ok((engine, signal)) => {
                rejected.extend(names.map(|engine| Rejected {
                    engine,
                    reason: format!("not needed: {name} works (docs/engines.md has the order)"),
                }));
                return Ok(Selected {
                    reason: describe("cheapest at full accuracy (docs/engines.md)", &*engine),
                    engine,
                    signal,
                    rejected,
                });
            }
            Err(error) => {
                rejected.push(Rejected {
                    engine: name,
                    reason: error.to_string(),
                });
            }
        }
    }
    let reasons: Vec<String> = rejected
        .iter()
        .map(|Rejected { engine, reason }| format!("{engine} ({reason})"))
        .collect();
    Err(EngineError::NoneWorks(reasons.join(", ")))
}

fn describe(why: &str, engine: &dyn Engine) -> String {
    match engine.detail() {
        "" => why.to_owned(),
        detail => format!("{why}; {detail}"),
    }
}

fn create(
    name: &str,
    signal: Option<&str>,
    interval: u64,
) -> Result<(Box<dyn Engine>, Installed), EngineError> {
    if name == "itimer" {
        // The process-wide timer raises SIGPROF and nothing else.
        let installed = match choose(Some("SIGPROF")).and_then(install) {
            Err(InstallError::Taken(_)) => return Err(EngineError::SigprofTaken),
            installed => installed?,
        };
        return Ok((Box::new(Itimer::new(interval)?), installed));
    }
    let installed = install(choose(signal)?)?;
    let engine: Box<dyn Engine> = match name {
        "tick" => Box::new(Tick::new(installed)?),
        "ctimer" => Box::new(Ctimer::new(installed, interval)?),
        _ => Box::new(Perf::new(installed, interval)?),
    };
    Ok((engine, installed))
}
