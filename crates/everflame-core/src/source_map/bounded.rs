//! Lists of untrusted JSON, refused where they are longer than any real one.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A list of at most `MOST` elements. `null` is an empty one.
#[derive(Debug)]
pub(super) struct Bounded<T, const MOST: usize>(pub(super) Vec<T>);

impl<T, const MOST: usize> Default for Bounded<T, MOST> {
    fn default() -> Self {
        Bounded(Vec::new())
    }
}

struct List<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for List<T, MOST> {
    type Value = Bounded<T, MOST>;

    fn expecting(&self, text: &mut fmt::Formatter) -> fmt::Result {
        write!(text, "a list of at most {MOST} elements")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Bounded::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            if elements.len() == MOST {
                return Err(A::Error::custom(format_args!(
                    "a list of more than {MOST} elements"
                )));
            }
            elements.push(element);
        }
        Ok(Bounded(elements))
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Bounded<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(List(PhantomData))
    }
}

/// A text, or something else in its place, which real maps have too.
#[derive(Debug, Default)]
pub(super) struct Text(pub(super) Option<String>);

struct AnyText;

impl<'de> Visitor<'de> for AnyText {
    type Value = Text;

    fn expecting(&self, text: &mut fmt::Formatter) -> fmt::Result {
        text.write_str("a text or null")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Text, E> {
        Ok(Text(Some(value.to_owned())))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Text, E> {
        Ok(Text(Some(value)))
    }

    fn visit_unit<E: Error>(self) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Text, E> {
        Ok(Text(Some(value.to_string())))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyText)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(json: &str) -> Result<Vec<Option<String>>, String> {
        serde_json::from_str::<Bounded<Text, 3>>(json)
            .map(|list| list.0.into_iter().map(|text| text.0).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_list_ends_at_its_bound() {
        let three = list(r#"["a",null,7]"#).unwrap();
        assert_eq!(three, [Some("a".to_owned()), None, Some("7".to_owned())]);
        assert_eq!(list("null").unwrap(), []);
        let error = list(r#"["a","b","c","d"]"#).unwrap_err();
        assert!(
            error.starts_with("a list of more than 3 elements"),
            "{error}"
        );
        assert!(list("{}").is_err());
        assert!(list(r#"[["a"]]"#).is_err());
    }
}
