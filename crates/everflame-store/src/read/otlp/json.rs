//! Protobuf's JSON (https://protobuf.dev/programming-guides/json/) to its bytes, field by field as it is parsed: one reader is
//! enough then. As OTLP wants it, ids may be hexadecimal digits and fields that are not known are passed over.

use super::schema::{Field, Kind, Message, REQUEST};
use crate::error::Refusal;
use crate::read::Limits;
use crate::read::limits::at_most;
use crate::varint::{put, put_sized};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

/// What a parser says of a text may have that text in it.
const LONGEST_REASON: usize = 200;

pub(in crate::read) fn from_json(json: &[u8], limits: &Limits) -> Result<Vec<u8>, Refusal> {
    let (mut out, fixed) = (Vec::new(), Cell::new(0));
    let mut parser = serde_json::Deserializer::from_slice(json);
    let seed = Fields {
        message: &REQUEST,
        out: &mut out,
        fixed: Fixed {
            bytes: &fixed,
            limit: limits.bytes,
        },
    };
    let read = parser.deserialize_map(seed).and_then(|()| parser.end());
    at_most(fixed.get(), limits.bytes, "bytes of times")?;
    read.map_err(|error| {
        let reason = error.to_string().chars().take(LONGEST_REASON).collect();
        Refusal::Json(reason)
    })?;
    Ok(out)
}

/// Numbers of eight bytes, of which a digit makes one: all else becomes shorter.
#[derive(Clone, Copy)]
struct Fixed<'a> {
    bytes: &'a Cell<usize>,
    limit: usize,
}

/// Writes the fields of a message.
struct Fields<'a> {
    message: &'static Message,
    out: &'a mut Vec<u8>,
    fixed: Fixed<'a>,
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            let name = camel(&key);
            match self.message.0.iter().find(|field| field.name == name) {
                Some(field) => map.next_value_seed(FieldValue {
                    field,
                    out: self.out,
                    fixed: self.fixed,
                })?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct Key<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key<'de>, D::Error> {
        struct Name;
        impl<'de> Visitor<'de> for Name {
            type Value = Key<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("the name of a field")
            }

            fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(name)))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

/// A field may have its name of the schema's source too.
fn camel(name: &str) -> Cow<'_, str> {
    if !name.contains('_') {
        return Cow::Borrowed(name);
    }
    let mut camel = String::with_capacity(name.len());
    let mut is_begin = false;
    for letter in name.chars() {
        match letter {
            '_' => is_begin = true,
            letter if std::mem::take(&mut is_begin) => camel.push(letter.to_ascii_uppercase()),
            letter => camel.push(letter),
        }
    }
    Cow::Owned(camel)
}

/// Writes a field with its number before it; nothing where the value is null.
struct FieldValue<'a> {
    field: &'static Field,
    out: &'a mut Vec<u8>,
    fixed: Fixed<'a>,
}

impl<'de> DeserializeSeed<'de> for FieldValue<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.field.is_repeated {
            return deserializer.deserialize_any(self);
        }
        let key = Some(self.field);
        deserializer.deserialize_any(Element {
            field: self.field,
            key,
            out: self.out,
            fixed: self.fixed,
        })
    }
}

impl<'de> Visitor<'de> for FieldValue<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "a list in {}", self.field.name)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let field = self.field;
        if !matches!(field.kind, Kind::Integer | Kind::Fixed64) {
            let key = Some(field);
            while let Some(()) = elements.next_element_seed(Element {
                field,
                key,
                out: self.out,
                fixed: self.fixed,
            })? {}
            return Ok(());
        }
        let mut packed = Vec::new();
        while let Some(()) = elements.next_element_seed(Element {
            field,
            key: None,
            out: &mut packed,
            fixed: self.fixed,
        })? {}
        put_key(self.out, field, 2);
        put_sized(self.out, &packed);
        Ok(())
    }
}

/// Writes one value, with the number of its field unless it is one of a packed list.
struct Element<'a> {
    field: &'static Field,
    key: Option<&'static Field>,
    out: &'a mut Vec<u8>,
    fixed: Fixed<'a>,
}

impl Element<'_> {
    fn number<E: Error>(self, number: u64) -> Result<(), E> {
        let wire = match self.field.kind {
            Kind::Integer => 0,
            Kind::Fixed64 => 1,
            Kind::Double => return self.double(number as f64),
            _ => return Err(self.wrong()),
        };
        if let Some(key) = self.key {
            put_key(self.out, key, wire);
        }
        if wire == 0 {
            put(self.out, number);
            return Ok(());
        }
        self.eight_bytes(number)
    }

    fn double<E: Error>(self, number: f64) -> Result<(), E> {
        match (self.field.kind, self.key) {
            (Kind::Double, Some(key)) => {
                put_key(self.out, key, 1);
                self.eight_bytes(number.to_bits())
            }
            // JSON's numbers have one kind alone.
            (Kind::Integer | Kind::Fixed64, _) if number.fract() == 0.0 => {
                if (0.0..18_446_744_073_709_551_616.0).contains(&number) {
                    self.number(number as u64)
                } else if (-9_223_372_036_854_775_808.0..0.0).contains(&number) {
                    self.number(number as i64 as u64)
                } else {
                    Err(self.wrong())
                }
            }
            _ => Err(self.wrong()),
        }
    }

    fn eight_bytes<E: Error>(self, number: u64) -> Result<(), E> {
        self.fixed.bytes.set(self.fixed.bytes.get() + 8);
        if self.fixed.bytes.get() > self.fixed.limit {
            return Err(E::custom("too many times"));
        }
        self.out.extend_from_slice(&number.to_le_bytes());
        Ok(())
    }

    fn sized<E: Error>(self, bytes: &[u8]) -> Result<(), E> {
        put_key(self.out, self.field, 2);
        put_sized(self.out, bytes);
        Ok(())
    }

    fn wrong<E: Error>(&self) -> E {
        E::custom(format_args!(
            "{} has a value of another kind",
            self.field.name
        ))
    }
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "a value of {}", self.field.name)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        match self.field.kind {
            Kind::Bool => {
                put_key(self.out, self.field, 0);
                put(self.out, u64::from(value));
                Ok(())
            }
            _ => Err(self.wrong()),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.number(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        match self.field.kind {
            Kind::Double => self.double(number as f64),
            _ => self.number(number as u64),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.double(number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        match self.field.kind {
            Kind::Text => self.sized(text.as_bytes()),
            Kind::Bytes => match base64(text) {
                Some(bytes) => self.sized(&bytes),
                None => Err(self.wrong()),
            },
            Kind::Id(length) => match hexadecimal(text, length).or_else(|| base64(text)) {
                Some(id) => self.sized(&id),
                None => Err(self.wrong()),
            },
            Kind::Double => match text.parse() {
                Ok(number) => self.double(number),
                Err(_) => Err(self.wrong()),
            },
            // A number of 64 bits is a text in JSON.
            Kind::Integer | Kind::Fixed64 => {
                let number = text.parse::<u64>();
                match number.or_else(|_| text.parse::<i64>().map(|number| number as u64)) {
                    Ok(number) => self.number(number),
                    Err(_) => Err(self.wrong()),
                }
            }
            Kind::Bool | Kind::Message(_) => Err(self.wrong()),
        }
    }

    /// Stands for a field that is not there, and not for an entry of a list: those behind it would change their places.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        if self.field.is_repeated {
            Err(self.wrong())
        } else {
            Ok(())
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Kind::Message(message) = self.field.kind else {
            return Err(self.wrong());
        };
        let mut inner = Vec::new();
        Fields {
            message,
            out: &mut inner,
            fixed: self.fixed,
        }
        .visit_map(map)?;
        self.sized(&inner)
    }
}

fn put_key(out: &mut Vec<u8>, field: &Field, wire: u64) {
    put(out, u64::from(field.number) << 3 | wire);
}

fn hexadecimal(text: &str, length: usize) -> Option<Vec<u8>> {
    if text.len() != 2 * length || !text.is_ascii() {
        return None;
    }
    (0..length)
        .map(|index| u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok())
        .collect()
}

/// Of either alphabet, filled up or not.
fn base64(text: &str) -> Option<Vec<u8>> {
    let standard = text.replace('-', "+").replace('_', "/");
    base64_simd::forgiving_decode_to_vec(standard.as_bytes()).ok()
}
