//! Texts of a profile: its own table, and what we make of numbers.

use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::ops::Index;
use std::sync::Arc;

/// Longest text that is kept, in bytes: generated names can have megabytes, and nobody reads more.
pub(super) const LONGEST: usize = 8 << 10;

/// The texts stand one behind the other in one piece of memory: a profile has tens of thousands. Those that profiles of one
/// message share stay where they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    own: String,
    shared: Vec<Arc<str>>,
    places: Vec<Place>,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    /// Start and length.
    Own(u32, u32),
    Shared(u32),
}

impl Texts {
    /// The index of a text that is not looked for again.
    pub(crate) fn push(&mut self, text: &str) -> u32 {
        // What a profile may have is far below the four thousand million bytes that can be told.
        self.places
            .push(Place::Own(self.own.len() as u32, text.len() as u32));
        self.own.push_str(text);
        self.len() as u32 - 1
    }

    /// The same of one that other profiles have too.
    pub(super) fn share(&mut self, text: Arc<str>) -> u32 {
        self.places.push(Place::Shared(self.shared.len() as u32));
        self.shared.push(text);
        self.len() as u32 - 1
    }

    pub(super) fn get(&self, index: usize) -> Option<&str> {
        self.places.get(index).map(|place| self.at(*place))
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.places.iter().map(|place| self.at(*place))
    }

    fn at(&self, place: Place) -> &str {
        match place {
            Place::Own(start, length) => &self.own[start as usize..(start + length) as usize],
            Place::Shared(index) => &self.shared[index as usize],
        }
    }
}

impl Index<u32> for Texts {
    type Output = str;

    fn index(&self, index: u32) -> &str {
        self.at(self.places[index as usize])
    }
}

/// Texts that need not be in the profile: each is added once.
#[derive(Default)]
pub(super) struct MadeTexts(FxHashMap<Box<str>, u32>);

impl MadeTexts {
    /// The index of the text among `texts`.
    pub(super) fn intern(&mut self, text: &str, texts: &mut Texts) -> u32 {
        if let Some(index) = self.0.get(text) {
            return *index;
        }
        let index = texts.push(text);
        self.0.insert(text.into(), index);
        index
    }
}

/// Bytes that are not UTF-8 become U+FFFD, and so are still told apart from other names.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    if bytes.len() <= LONGEST {
        return match str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(bytes),
        };
    }
    let mut text = String::from_utf8_lossy(&bytes[..LONGEST]).into_owned();
    text.push('…');
    Cow::Owned(text)
}
