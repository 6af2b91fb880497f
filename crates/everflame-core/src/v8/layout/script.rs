//! From a code event's handle to its function and script.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use super::super::script::{LineTable, Script};
use super::heap::{self, Heap, Object};
use super::{Doubt, Layout, View};
use crate::source_map::MapUrl;

/// No script of more lines is believed.
const MAX_LINES: usize = 16 * 1024 * 1024;

/// Longer script names are cut by V8's own names too.
const MAX_NAME: usize = 4096;

/// Source maps in a script's own text are copied up to this length, which takes V8's thread about 4 ms.
const MAX_INLINE_MAP: usize = 16 << 20;

/// How such a map begins.
const DATA: &[u8] = b"data:";

/// Strings joined from strings are followed this deep.
const MAX_JOINED: u32 = 8;

/// The function of a code event, during its callback.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Function {
    pub(super) object: Object,
    script: Object,
    pub(in super::super) script_id: u32,
}

impl Layout {
    /// The function behind an event's `script` handle, and its script's id.
    pub(in super::super) fn function(&self, handle: u64) -> Option<Function> {
        self.learned()?;
        let view = self.view(Heap::Proven);
        self.believe(view.function_of_handle(handle))
    }

    /// The script of a function. `None` for the lines when V8 has not computed them.
    pub(in super::super) fn script(&self, function: &Function) -> Option<Script> {
        self.learned()?;
        self.believe(self.view(Heap::Proven).script(function))
    }

    /// The source map that a function's script declares.
    pub(in super::super) fn map_url(&self, function: &Function) -> MapUrl {
        let Some(field) = self.learned().and_then(|learned| learned.map_url) else {
            return MapUrl::None;
        };
        self.view(Heap::Proven).map_url(function, field)
    }
}

impl View<'_> {
    pub(super) fn function_of_handle(self, handle: u64) -> Result<Function, Doubt> {
        let object = self
            .heap
            .word(handle)
            .and_then(heap::object)
            .filter(|object| self.is_function(*object))
            .ok_or(Doubt::Function)?;
        let script = self
            .object(object, self.constants.function.script)
            .filter(|script| self.instance_type(*script) == Some(self.constants.types.script))
            .ok_or(Doubt::Script)?;
        let script_id = self
            .small_integer(script, self.constants.script.id)
            .and_then(|id| u32::try_from(id).ok())
            .ok_or(Doubt::Script)?;
        Ok(Function {
            object,
            script,
            script_id,
        })
    }

    pub(super) fn is_function(self, object: Object) -> bool {
        self.instance_type(object) == Some(self.constants.types.function)
    }

    pub(super) fn script(self, function: &Function) -> Result<Script, Doubt> {
        let fields = &self.constants.script;
        let script = function.script;
        let line_offset = self
            .small_integer(script, fields.line_offset)
            .and_then(|lines| u32::try_from(lines).ok())
            .filter(|lines| *lines as usize <= MAX_LINES)
            .unwrap_or(0);
        Ok(Script {
            id: function.script_id,
            name: self
                .script_text(function, fields.name)
                .map(String::into_boxed_str),
            source_url: self
                .learned
                .and_then(|learned| learned.source_url)
                .and_then(|field| self.script_text(function, field))
                .filter(|url| !url.is_empty())
                .map(String::into_boxed_str),
            length: self
                .object(script, fields.source)
                .filter(|source| self.is_string(*source))
                .and_then(|source| u32::try_from(self.string_length(source)?).ok())
                .unwrap_or(0),
            seen: seconds_since_the_epoch(),
            line_offset,
            lines: match self.object(script, fields.line_ends) {
                Some(ends) if self.is_fixed_array(ends) => self.line_ends(ends)?,
                // Not computed yet: a small integer or undefined.
                _ => LineTable::default(),
            },
            map: OnceLock::new(),
        })
    }

    /// V8 keeps the text of a comment as one flat string; anything else is no URL.
    fn map_url(self, function: &Function, field: u64) -> MapUrl {
        let Some(url) = self.object(function.script, field) else {
            return MapUrl::None;
        };
        match self.flat(url) {
            Some(text) if text.one_byte && text.begins_with(self.heap, DATA) => {
                if text.length > MAX_INLINE_MAP {
                    return MapUrl::TooLong;
                }
                self.heap
                    .bytes(text.address, text.length)
                    .map_or(MapUrl::None, MapUrl::Inline)
            }
            _ => match self.string(url, MAX_JOINED) {
                Some(url) if url.as_bytes().starts_with(DATA) => {
                    MapUrl::Inline(url.into_bytes().into())
                }
                Some(url) if !url.is_empty() => MapUrl::Address(url.into()),
                _ => MapUrl::None,
            },
        }
    }

    /// The text in a field of a function's script; `None` where it holds something else.
    pub(super) fn script_text(self, function: &Function, field: u64) -> Option<String> {
        self.string(self.object(function.script, field)?, MAX_JOINED)
    }

    fn line_ends(self, ends: Object) -> Result<LineTable, Doubt> {
        let count = self.length(ends, MAX_LINES).ok_or(Doubt::ScriptLines)?;
        let data = self
            .heap
            .bytes(ends.address() + self.constants.array_data, count * 8)
            .ok_or(Doubt::ScriptLines)?;
        let mut valid = true;
        let table = LineTable::new(data.chunks_exact(8).map_while(|word| {
            let word = word
                .iter()
                .rev()
                .fold(0, |word, byte| word << 8 | u64::from(*byte));
            let end = heap::small_integer(word).and_then(|end| u32::try_from(end).ok());
            valid &= end.is_some();
            end
        }));
        table.filter(|_| valid).ok_or(Doubt::ScriptLines)
    }

    fn is_string(self, object: Object) -> bool {
        let kind = self.instance_type(object);
        kind.is_some_and(|kind| kind < self.constants.strings.first_nonstring)
    }

    /// A string that lies in one piece.
    fn flat(self, object: Object) -> Option<Flat> {
        let strings = &self.constants.strings;
        let kind = self
            .instance_type(object)
            .filter(|kind| *kind < strings.first_nonstring)?;
        if kind & strings.representation_mask != strings.sequential {
            return None;
        }
        Some(Flat {
            address: object.address() + strings.characters,
            length: self.string_length(object)?,
            one_byte: kind & strings.encoding_mask == strings.one_byte,
        })
    }

    /// UTF-16 units of a string.
    fn string_length(self, object: Object) -> Option<usize> {
        let strings = &self.constants.strings;
        let word = self.heap.word(object.address() + (strings.length & !7))?;
        Some((word >> (strings.length % 8 * 8)) as u32 as usize)
    }

    /// A string's text; `None` for representations that names do not have, or when something is off.
    fn string(self, object: Object, joined: u32) -> Option<String> {
        let strings = &self.constants.strings;
        let kind = self
            .instance_type(object)
            .filter(|kind| *kind < strings.first_nonstring)?;
        if self.string_length(object)? > MAX_NAME {
            return None;
        }
        if let Some(flat) = self.flat(object) {
            return flat.text(self.heap);
        }
        let representation = kind & strings.representation_mask;
        let deeper = joined.checked_sub(1)?;
        if representation == strings.thin {
            return self.string(self.object(object, strings.thin_actual)?, deeper);
        }
        if representation == strings.cons {
            let mut text = self.string(self.object(object, strings.cons_first)?, deeper)?;
            text.push_str(&self.string(self.object(object, strings.cons_second)?, deeper)?);
            return (text.len() <= MAX_NAME * 3).then_some(text);
        }
        if let Some(sliced) = strings
            .sliced
            .as_ref()
            .filter(|sliced| sliced.kind == representation)
        {
            let length = self.string_length(object)?;
            let first = usize::try_from(self.small_integer(object, sliced.offset)?).ok()?;
            let whole = self.whole(self.object(object, sliced.parent)?)?;
            return whole.part(first, length)?.text(self.heap);
        }
        None
    }

    /// What a string is cut out of. V8 may have put another one in its place since.
    fn whole(self, object: Object) -> Option<Flat> {
        let strings = &self.constants.strings;
        let kind = self.instance_type(object)?;
        if kind < strings.first_nonstring && kind & strings.representation_mask == strings.thin {
            return self.flat(self.object(object, strings.thin_actual)?);
        }
        self.flat(object)
    }
}

fn seconds_since_the_epoch() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs() as i64)
}

/// The characters of a flat string.
#[derive(Clone, Copy)]
struct Flat {
    address: u64,
    /// In characters.
    length: usize,
    one_byte: bool,
}

impl Flat {
    /// `length` characters from the character `first`.
    fn part(self, first: usize, length: usize) -> Option<Flat> {
        if first.checked_add(length)? > self.length {
            return None;
        }
        Some(Flat {
            address: self.address + (first * self.width()) as u64,
            length,
            ..self
        })
    }

    /// Bytes of a character.
    fn width(self) -> usize {
        if self.one_byte { 1 } else { 2 }
    }

    fn text(self, heap: Heap) -> Option<String> {
        let data = heap.bytes(self.address, self.length * self.width())?;
        Some(if self.one_byte {
            data.iter().map(|byte| char::from(*byte)).collect()
        } else {
            char::decode_utf16(
                data.chunks_exact(2)
                    .map(|unit| u16::from_le_bytes([unit[0], unit[1]])),
            )
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
        })
    }

    fn begins_with(self, heap: Heap, start: &[u8]) -> bool {
        self.length >= start.len()
            && heap
                .bytes(self.address, start.len())
                .is_some_and(|bytes| *bytes == *start)
    }
}
