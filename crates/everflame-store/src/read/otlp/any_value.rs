//! `AnyValue` and `KeyValue` of opentelemetry.proto.common.v1, as texts.

use super::dictionary::Dictionary;
use crate::error::Refusal;
use crate::read::texts::{LONGEST, text};
use crate::read::wire::fields;
use std::fmt::Write;
use std::sync::Arc;

/// Lists in lists are told up to here.
const DEEPEST: usize = 8;

pub(super) enum Text {
    /// Index of a text of the dictionary.
    Known(u32),
    Made(Arc<str>),
}

/// A list and a map are JSON, and bytes are hexadecimal digits.
pub(super) fn read(message: &[u8], dictionary: &Dictionary) -> Result<Text, Refusal> {
    let mut told = Text::Known(0);
    fields(message, |field, value| {
        told = match field {
            1 => Text::Made(text(value.bytes()?).into()),
            8 => Text::Known(dictionary.text_id(value.number()?)?),
            _ => {
                let mut out = String::new();
                put_other(&mut out, field, value, dictionary, 0)?;
                Text::Made(text(out.as_bytes()).into())
            }
        };
        Ok(())
    })?;
    Ok(told)
}

/// The key of a `KeyValue`, and the message of its value.
pub(super) fn pair<'a>(
    message: &'a [u8],
    dictionary: &Dictionary,
) -> Result<(Arc<str>, &'a [u8]), Refusal> {
    let (mut key, mut told): (Arc<str>, &[u8]) = (Arc::default(), &[]);
    fields(message, |field, value| {
        match field {
            1 => key = text(value.bytes()?).into(),
            2 => told = value.bytes()?,
            3 => match value.number()? {
                0 => {}
                index => key = dictionary.text(index)?.into(),
            },
            _ => {}
        }
        Ok(())
    })?;
    Ok((key, told))
}

fn put_json(
    out: &mut String,
    message: &[u8],
    dictionary: &Dictionary,
    depth: usize,
) -> Result<(), Refusal> {
    let before = out.len();
    fields(message, |field, value| {
        // The last one counts.
        out.truncate(before);
        match field {
            1 => put_quoted(out, &text(value.bytes()?)),
            8 => put_quoted(out, dictionary.text(value.number()?)?),
            7 => {
                out.push('"');
                put_other(out, field, value, dictionary, depth)?;
                out.push('"');
            }
            _ => put_other(out, field, value, dictionary, depth)?,
        }
        Ok(())
    })?;
    if out.len() == before {
        out.push_str("null");
    }
    Ok(())
}

fn put_other(
    out: &mut String,
    field: u64,
    value: crate::read::wire::Value,
    dictionary: &Dictionary,
    depth: usize,
) -> Result<(), Refusal> {
    // Nothing fails to be written to a text.
    let _ = match field {
        2 => write!(out, "{}", value.number()? != 0),
        3 => write!(out, "{}", value.number()? as i64),
        4 => write!(out, "{}", f64::from_bits(value.number()?)),
        7 => {
            let bytes = value.bytes()?;
            let kept = &bytes[..bytes.len().min(LONGEST)];
            kept.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
        }
        5 | 6 => {
            let (open, close) = if field == 5 { ('[', ']') } else { ('{', '}') };
            out.push(open);
            let begin = out.len();
            fields(value.bytes()?, |field, value| {
                // Such a text is cut.
                if field != 1 || depth >= DEEPEST || out.len() > LONGEST {
                    return Ok(());
                }
                if out.len() > begin {
                    out.push(',');
                }
                let mut message = value.bytes()?;
                if open == '{' {
                    let (key, told) = pair(message, dictionary)?;
                    put_quoted(out, &key);
                    out.push(':');
                    message = told;
                }
                put_json(out, message, dictionary, depth + 1)
            })?;
            out.push(close);
            Ok(())
        }
        _ => Ok(()),
    };
    Ok(())
}

fn put_quoted(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}
