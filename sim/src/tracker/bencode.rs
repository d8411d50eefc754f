//! The smallest bencode writer (BEP 3) that an HTTP tracker needs. Its own, so that a mistake in the engine's
//! cannot hide behind the same mistake here.

use std::collections::BTreeMap;

/// A value to write.
pub(super) enum Value {
    Integer(u64),
    Bytes(Vec<u8>),
    List(Vec<Self>),
    /// Ordered by the raw bytes of its keys, as the format demands.
    Dict(BTreeMap<Vec<u8>, Self>),
    /// Bytes as they are, bencoded or not.
    Raw(Vec<u8>),
}

impl Value {
    /// A dictionary of text keys; entries without a value are left out.
    pub(super) fn dict<const N: usize>(entries: [(&str, Option<Self>); N]) -> Self {
        Self::Dict(
            entries
                .into_iter()
                .filter_map(|(key, value)| Some((key.as_bytes().to_vec(), value?)))
                .collect(),
        )
    }

    /// A byte string of UTF-8 text.
    pub(super) fn text(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }

    /// Appends the value. Depth is that of the values built in this folder, at most four.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Integer(n) => out.extend(format!("i{n}e").into_bytes()),
            Self::Bytes(bytes) => write_bytes(bytes, out),
            Self::Raw(bytes) => out.extend_from_slice(bytes),
            Self::List(items) => {
                out.push(b'l');
                items.iter().for_each(|item| item.write(out));
                out.push(b'e');
            }
            Self::Dict(entries) => {
                out.push(b'd');
                for (key, value) in entries {
                    write_bytes(key, out);
                    value.write(out);
                }
                out.push(b'e');
            }
        }
    }
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend(format!("{}:", bytes.len()).into_bytes());
    out.extend_from_slice(bytes);
}
