//! A torrent file as a tree that keeps every byte: what is read is written back as it was, right or wrong.
//!
//! Its own reader, so that a mistake in the engine's cannot hide behind the same mistake here. It reads only good
//! files, made by ourselves.

/// A value, with integers as they were written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Tree {
    /// The digits between `i` and `e`.
    Int(Vec<u8>),
    Bytes(Vec<u8>),
    List(Vec<Self>),
    Dict(Vec<(Vec<u8>, Self)>),
}

/// Levels that are read: a torrent has five.
const DEPTH_MAX: usize = 16;

impl Tree {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        value(&mut rest, DEPTH_MAX)
    }

    pub(super) fn text(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }

    pub(super) fn int(number: i64) -> Self {
        Self::Int(number.to_string().into_bytes())
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(digits) => {
                out.push(b'i');
                out.extend_from_slice(digits);
                out.push(b'e');
            }
            Self::Bytes(bytes) => write_bytes(bytes, out),
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

    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Dict(entries) = self else { return None };
        let (_, value) = entries.iter().find(|(known, _)| known == key.as_bytes())?;
        Some(value)
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        let Self::Dict(entries) = self else { return None };
        let (_, value) = entries.iter_mut().find(|(known, _)| known == key.as_bytes())?;
        Some(value)
    }

    /// Sets a key, at its place in the order of keys.
    pub(super) fn set(&mut self, key: &str, value: Self) {
        if let Some(place) = self.get_mut(key) {
            *place = value;
        } else if let Self::Dict(entries) = self {
            let at = entries.partition_point(|(known, _)| known.as_slice() < key.as_bytes());
            entries.insert(at, (key.as_bytes().to_vec(), value));
        }
    }

    pub(super) fn remove(&mut self, key: &str) {
        if let Self::Dict(entries) = self {
            entries.retain(|(known, _)| known != key.as_bytes());
        }
    }

    /// The entries of a dictionary, to disorder them.
    pub(super) const fn entries(&mut self) -> Option<&mut Vec<(Vec<u8>, Self)>> {
        match self {
            Self::Dict(entries) => Some(entries),
            Self::Int(_) | Self::Bytes(_) | Self::List(_) => None,
        }
    }
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend(bytes.len().to_string().into_bytes());
    out.push(b':');
    out.extend_from_slice(bytes);
}

fn value(rest: &mut &[u8], depth: usize) -> Option<Tree> {
    let depth = depth.checked_sub(1)?;
    match rest.first()? {
        b'i' => {
            let end = rest.iter().position(|byte| *byte == b'e')?;
            let digits = rest.get(1..end)?.to_vec();
            *rest = rest.get(end + 1..)?;
            Some(Tree::Int(digits))
        }
        b'l' => {
            *rest = rest.get(1..)?;
            let mut items = Vec::new();
            while !ended(rest)? {
                items.push(value(rest, depth)?);
            }
            Some(Tree::List(items))
        }
        b'd' => {
            *rest = rest.get(1..)?;
            let mut entries = Vec::new();
            while !ended(rest)? {
                entries.push((string(rest)?, value(rest, depth)?));
            }
            Some(Tree::Dict(entries))
        }
        _ => string(rest).map(Tree::Bytes),
    }
}

/// Takes the `e` of a list or dictionary, if it is there.
fn ended(rest: &mut &[u8]) -> Option<bool> {
    let ended = *rest.first()? == b'e';
    if ended {
        *rest = rest.get(1..)?;
    }
    Some(ended)
}

fn string(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let colon = rest.iter().position(|byte| *byte == b':')?;
    let length: usize = std::str::from_utf8(rest.get(..colon)?).ok()?.parse().ok()?;
    let bytes = rest.get(colon + 1..)?.get(..length)?.to_vec();
    *rest = rest.get(colon + 1 + length..)?;
    Some(bytes)
}
