//! A profile as every format tells it, in tables of its own: names and stacks stand in them once.

use super::label::{Label, Moment};
use super::lists::Lists;
use super::texts::Texts;
use crate::metrics::Told;

/// One kind of value and its unit, such as `cpu` in `nanoseconds`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ValueType {
    pub name: String,
    pub unit: String,
}

/// Indexes into the texts of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Function {
    pub name: u32,
    /// File of the source, or an empty text.
    pub file: u32,
    /// Path of the binary, or an empty text.
    pub module: u32,
    /// Where the function starts; 0 where it is not known.
    pub line: u32,
}

/// A function, and the line that was executing; 0 where it is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Frame {
    pub function: u32,
    pub line: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Index of the stack.
    pub stack: u32,
    /// Index of the set of labels.
    pub labels: u32,
    /// When it was taken, and for which span; where it is told.
    pub moment: Option<Moment>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Profile {
    pub types: Vec<ValueType>,
    /// Nanoseconds since the epoch; 0 where it is not told.
    pub start: i64,
    /// Nanoseconds; 0 where it is not told.
    pub duration: i64,
    pub texts: Texts,
    pub functions: Vec<Function>,
    pub frames: Vec<Frame>,
    /// Indexes of frames, the outermost first.
    pub stacks: Lists<u32>,
    pub label_sets: Lists<Label>,
    pub samples: Vec<Sample>,
    /// As many for each sample as there are types.
    pub values: Vec<u64>,
    pub metrics: Told,
}
