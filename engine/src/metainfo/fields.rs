//! A dictionary read once: its first value a key (BEP 3), with texts made readable.

use super::lint::Lints;
use crate::bencode::Value;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::format;
use alloc::string::String;

/// The first value of each key, and which keys came again.
pub(super) struct Fields<'a> {
    first: BTreeMap<&'a [u8], Value<'a>>,
    again: BTreeMap<&'a [u8], usize>,
}

impl<'a> Fields<'a> {
    /// `None` when the value is not a dictionary.
    pub(super) fn read(value: Value<'a>) -> Option<Self> {
        let mut fields = Self {
            first: BTreeMap::new(),
            again: BTreeMap::new(),
        };
        for (key, value) in value.as_dict()? {
            match fields.first.entry(key) {
                Entry::Vacant(place) => {
                    place.insert(value);
                }
                Entry::Occupied(_) => *fields.again.entry(key).or_default() += 1,
            }
        }
        Some(fields)
    }

    pub(super) fn get(&self, key: &str) -> Option<Value<'a>> {
        self.first.get(key.as_bytes()).copied()
    }

    pub(super) fn has_twice(&self, key: &str) -> bool {
        self.again.contains_key(key.as_bytes())
    }

    /// The byte string under `key.utf-8`, or else under `key`: where both are, the first is more likely right.
    pub(super) fn utf8_first(&self, key: &str) -> Option<&'a [u8]> {
        let bytes = |key: &str| self.get(key).and_then(Value::as_bytes);
        bytes(&format!("{key}.utf-8")).or_else(|| bytes(key))
    }

    /// A text for people, if there is one that is not empty.
    pub(super) fn text(&self, key: &str, encoding: Encoding, lints: &mut Lints) -> Option<String> {
        let bytes = self.utf8_first(key).filter(|bytes| !bytes.is_empty())?;
        let (text, exact) = decode(bytes, encoding);
        if !exact {
            lints.add("text-not-utf8", format!("`{key}` is not UTF-8"));
        }
        Some(text)
    }
}

/// How texts that are not UTF-8 are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Encoding {
    /// Nothing useful is declared: what is not UTF-8 becomes `_`, as in libtorrent.
    Utf8,
    /// ISO 8859-1 is declared: each byte is a character.
    Latin1,
}

impl Encoding {
    /// The `encoding` key of old torrents. Other encodings than Latin-1 need tables that are not worth their size.
    pub(super) fn declared(outer: &Fields<'_>) -> Self {
        let name = outer
            .get("encoding")
            .and_then(Value::as_bytes)
            .unwrap_or_default();
        let latin1 = [&b"iso-8859-1"[..], b"iso8859-1", b"latin1", b"latin-1"];
        if latin1.iter().any(|alias| name.eq_ignore_ascii_case(alias)) {
            Self::Latin1
        } else {
            Self::Utf8
        }
    }
}

/// The text that the bytes mean, and whether they were UTF-8.
pub(super) fn decode(bytes: &[u8], encoding: Encoding) -> (String, bool) {
    if let Ok(text) = core::str::from_utf8(bytes) {
        return (text.into(), true);
    }
    if encoding == Encoding::Latin1 {
        return (bytes.iter().map(|byte| char::from(*byte)).collect(), false);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push('_');
        }
    }
    (text, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_stay_readable() {
        let check = |bytes: &[u8], encoding, text: &str| {
            assert_eq!(decode(bytes, encoding).0, text);
        };
        check("é".as_bytes(), Encoding::Latin1, "é");
        check(b"caf\xe9", Encoding::Latin1, "café");
        check(b"caf\xe9.txt", Encoding::Utf8, "caf_.txt");
        // an overlong slash is two stray bytes, never a slash
        check(b"a\xc0\xafb", Encoding::Utf8, "a__b");
    }
}
