//! Texts of a profile: its own table, and what we make of numbers.

use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Longest text that is kept, in bytes: generated names can have megabytes, and nobody reads more.
pub(super) const LONGEST: usize = 8 << 10;

#[derive(Default)]
pub(super) struct Texts {
    all: Vec<Arc<str>>,
    made: FxHashMap<Arc<str>, u32>,
}

impl Texts {
    /// The index of a text that is not looked for again.
    pub(super) fn push(&mut self, text: Arc<str>) -> u32 {
        self.all.push(text);
        self.all.len() as u32 - 1
    }

    /// The index of a text that need not be in the profile.
    pub(super) fn intern(&mut self, text: &str) -> u32 {
        if let Some(index) = self.made.get(text) {
            return *index;
        }
        let text: Arc<str> = text.into();
        let index = self.push(text.clone());
        self.made.insert(text, index);
        index
    }

    pub(super) fn get(&self, index: usize) -> Option<&str> {
        self.all.get(index).map(|text| &**text)
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn into_all(self) -> Vec<Arc<str>> {
        self.all
    }
}

/// Bytes that are not UTF-8 become U+FFFD, and so are still told apart from other names.
pub(super) fn text(bytes: &[u8]) -> Arc<str> {
    if bytes.len() <= LONGEST {
        return String::from_utf8_lossy(bytes).into();
    }
    let mut text = String::from_utf8_lossy(&bytes[..LONGEST]).into_owned();
    text.push('…');
    text.into()
}
