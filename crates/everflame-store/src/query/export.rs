//! A selection as one profile.proto, for every other tool.

use super::scan::{Found, Matcher, Scanned, scan};
use super::selection::{Column, Picked, shapes};
use crate::dictionaries::{Dictionaries, Shared};
use crate::dictionary::{Dictionary, ROOT};
use crate::error::StoreError;
use crate::packages::versioned;
use crate::read::{ValueType, are_requests};
use crate::varint::{put, put_sized};
use flate2::Compression;
use flate2::write::GzEncoder;
use indexmap::IndexSet;
use rusqlite::Connection;
use rustc_hash::{FxBuildHasher, FxHashMap};
use std::io::Write;

/// Gzip. Every kind of value that the service's profiles have is one of the file's, but for counts of requests; a stack and a set of labels is one sample.
pub(crate) fn pprof(
    connection: &Connection,
    dictionaries: &Dictionaries,
    mut picked: Picked,
) -> Result<Vec<u8>, StoreError> {
    let mut shapes = shapes(connection, picked.service)?;
    // A sum of profiles of which a part has counts would look as if all had.
    shapes.retain(|(_, types)| !are_requests(types));
    let types: IndexSet<ValueType, FxBuildHasher> =
        shapes.iter().flat_map(|(_, types)| types.clone()).collect();
    picked.columns = shapes
        .iter()
        .map(|(shape, types)| {
            (
                *shape,
                Column {
                    of: types.len(),
                    kind: 0,
                    factor: 1,
                },
            )
        })
        .collect();
    let places: FxHashMap<i64, Vec<usize>> = shapes
        .iter()
        .map(|(shape, own)| {
            (
                *shape,
                own.iter()
                    .filter_map(|kind| types.get_index_of(kind))
                    .collect(),
            )
        })
        .collect();
    let mut matcher = Matcher::new(&picked, None);
    let mut epochs: FxHashMap<i64, Epoch> = FxHashMap::default();
    let found = scan(connection, dictionaries, &mut matcher, |scanned| {
        let Scanned {
            head,
            epoch,
            shared,
            block,
            groups,
            ..
        } = scanned;
        let rows = block.rows()?;
        let sums = epochs.entry(epoch).or_insert_with(|| Epoch {
            shared: shared.clone(),
            sums: FxHashMap::default(),
        });
        let is_meant: FxHashMap<u32, bool> = block
            .label_sets
            .iter()
            .copied()
            .zip(groups.iter().map(Option::is_some))
            .collect();
        for (row, (node, set)) in rows.nodes.iter().zip(&rows.label_sets).enumerate() {
            if is_meant.get(set) == Some(&true) {
                let values = sums
                    .sums
                    .entry((*node, *set))
                    .or_insert_with(|| vec![0; types.len()]);
                for (column, place) in rows.values.iter().zip(&places[&head.shape]) {
                    values[*place] = values[*place].saturating_add(column[row]);
                }
            }
        }
        Ok(())
    })?;
    let mut file = ProfileFile::default();
    for kind in &types {
        file.value_type(kind);
    }
    for epoch in epochs.into_values() {
        let dictionary = &epoch.shared.read().dictionary;
        let mut sums: Vec<_> = epoch.sums.into_iter().collect();
        sums.sort_unstable_by_key(|(key, _)| *key);
        let mut locations = vec![0; dictionary.frame_count()];
        for ((node, set), values) in sums {
            file.sample(dictionary, &mut locations, node, set, &values);
        }
    }
    Ok(compress(&file.finish(&found)))
}

struct Epoch {
    shared: Shared,
    sums: FxHashMap<(u32, u32), Vec<u64>>,
}

fn compress(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing into memory does not fail.
    let _ = encoder.write_all(data);
    encoder.finish().unwrap_or_default()
}

/// profile.proto of google/pprof, message by message.
#[derive(Default)]
struct ProfileFile {
    out: Vec<u8>,
    texts: IndexSet<String, FxBuildHasher>,
    modules: FxHashMap<u64, u64>,
    functions: IndexSet<(u64, u64, u32), FxBuildHasher>,
    /// A function, its line and its binary.
    locations: IndexSet<(u64, u32, u64), FxBuildHasher>,
}

impl ProfileFile {
    fn text(&mut self, text: &str) -> u64 {
        if self.texts.is_empty() {
            self.texts.insert(String::new());
        }
        match self.texts.get_index_of(text) {
            Some(index) => index as u64,
            None => self.texts.insert_full(text.to_owned()).0 as u64,
        }
    }

    fn value_type(&mut self, kind: &ValueType) {
        let (name, unit) = (self.text(&kind.name), self.text(&kind.unit));
        self.message(1, &[(1, name), (2, unit)]);
    }

    fn sample(
        &mut self,
        dictionary: &Dictionary,
        locations: &mut [u64],
        node: u32,
        set: u32,
        values: &[u64],
    ) {
        let mut ids = Vec::new();
        let mut above = node;
        while above != ROOT {
            let node = dictionary.node_of(above);
            let known = &mut locations[node.frame as usize];
            if *known == 0 {
                *known = self.location(dictionary, node.frame);
            }
            put(&mut ids, *known);
            above = node.parent;
        }
        let mut message = Vec::new();
        put_bytes(&mut message, 1, &ids);
        let mut numbers = Vec::new();
        // A number of the format has a sign: more than it can tell would be one below zero.
        let most = i64::MAX as u64;
        values
            .iter()
            .for_each(|value| put(&mut numbers, (*value).min(most)));
        put_bytes(&mut message, 2, &numbers);
        for (key, value) in dictionary.labels_of(set) {
            let (key, value) = (
                self.text(dictionary.text_of(*key)),
                self.text(dictionary.text_of(*value)),
            );
            let mut label = Vec::new();
            put_number(&mut label, 1, key);
            put_number(&mut label, 2, value);
            put_bytes(&mut message, 3, &label);
        }
        put_bytes(&mut self.out, 2, &message);
    }

    fn location(&mut self, dictionary: &Dictionary, frame: u32) -> u64 {
        let frame = dictionary.frame_of(frame);
        let function = dictionary.function_of(frame.function);
        let module = self.module(dictionary.text_of(function.module));
        let (name, file) = (
            self.text(dictionary.text_of(function.name)),
            self.text(dictionary.text_of(function.file)),
        );
        let (index, is_new) = self.functions.insert_full((name, file, function.line));
        let id = index as u64 + 1;
        if is_new {
            self.message(
                5,
                &[
                    (1, id),
                    (2, name),
                    (3, name),
                    (4, file),
                    (5, u64::from(function.line)),
                ],
            );
        }
        let (index, is_new) = self.locations.insert_full((id, frame.line, module));
        let location = index as u64 + 1;
        if is_new {
            let mut line = Vec::new();
            put_number(&mut line, 1, id);
            put_number(&mut line, 2, u64::from(frame.line));
            let mut message = Vec::new();
            put_number(&mut message, 1, location);
            put_number(&mut message, 2, module);
            put_bytes(&mut message, 4, &line);
            put_bytes(&mut self.out, 4, &message);
        }
        location
    }

    /// The id of a binary's mapping; 0 for none.
    fn module(&mut self, path: &str) -> u64 {
        if path.is_empty() || versioned(path).is_some() {
            return 0;
        }
        let text = self.text(path);
        let next = self.modules.len() as u64 + 1;
        if let Some(known) = self.modules.get(&text) {
            return *known;
        }
        self.modules.insert(text, next);
        // Its functions have their names already.
        self.message(3, &[(1, next), (5, text), (7, 1)]);
        next
    }

    fn message(&mut self, field: u64, numbers: &[(u64, u64)]) {
        let mut message = Vec::new();
        numbers
            .iter()
            .for_each(|(field, number)| put_number(&mut message, *field, *number));
        put_bytes(&mut self.out, field, &message);
    }

    fn finish(mut self, found: &Found) -> Vec<u8> {
        self.text("");
        put_number(&mut self.out, 9, found.from as u64);
        put_number(&mut self.out, 10, (found.to - found.from) as u64);
        for text in &self.texts {
            put_bytes(&mut self.out, 6, text.as_bytes());
        }
        self.out
    }
}

fn put_number(out: &mut Vec<u8>, field: u64, number: u64) {
    if number != 0 {
        put(out, field << 3);
        put(out, number);
    }
}

fn put_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put(out, field << 3 | 2);
    put_sized(out, bytes);
}
