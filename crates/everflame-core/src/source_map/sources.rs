//! The sources of a map. Each is looked for once, and only when something in it was sampled.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::locate::{Place, source_name};

/// From where a map's sources are found.
#[derive(Clone, Debug, Default)]
pub(super) struct Base {
    /// The folder of the map, or of the script whose text it was in.
    pub(super) folder: Option<PathBuf>,
    /// The folder of the dependency that the script is of.
    pub(super) package: Option<PathBuf>,
    /// When the map's file was last changed, in seconds since the epoch.
    pub(super) made: Option<i64>,
}

/// All sources of a map by their number.
#[derive(Debug, Default)]
pub(super) struct Sources {
    base: Base,
    /// Each once; maps with sections have several.
    roots: Vec<Box<str>>,
    sources: Vec<Source>,
    text_bytes: usize,
}

#[derive(Debug)]
struct Source {
    /// `None` for one that the map does not name.
    name: Option<Box<str>>,
    root: u32,
    shown: OnceLock<Arc<str>>,
}

impl Sources {
    pub(super) fn new(base: Base) -> Sources {
        Sources {
            base,
            ..Sources::default()
        }
    }

    pub(super) fn len(&self) -> u32 {
        self.sources.len() as u32
    }

    /// Adds a source with the `sourceRoot` of its map.
    pub(super) fn push(&mut self, root: &str, name: Option<&str>) {
        if self.roots.last().is_none_or(|last| &**last != root) {
            self.roots.push(root.into());
            self.text_bytes += root.len();
        }
        self.text_bytes += name.map_or(0, str::len);
        self.sources.push(Source {
            name: name.map(Box::from),
            root: self.roots.len() as u32 - 1,
            shown: OnceLock::new(),
        });
    }

    /// The name of a source as it stands in profiles. May ask the disk for it.
    pub(super) fn shown(&self, number: u32) -> Option<&Arc<str>> {
        let source = self.sources.get(number as usize)?;
        let name = source.name.as_deref()?;
        let root = &self.roots[source.root as usize];
        let place = Place {
            folder: self.base.folder.as_deref(),
            package: self.base.package.as_deref(),
        };
        Some(
            source
                .shown
                .get_or_init(|| source_name(place, root, name).into()),
        )
    }

    /// When the map was made, in seconds since the epoch; `None` for one in a script's text.
    pub(super) fn made(&self) -> Option<i64> {
        self.base.made
    }

    pub(super) fn bytes(&self) -> usize {
        // Names of those that were sampled are about as long again, and few.
        self.text_bytes + self.sources.len() * size_of::<Source>()
    }
}
