//! A borrowed view of scanned bencode: nothing is copied, and every value knows its exact bytes (BEP 3's info-hash).
//!
//! Invariant: `raw` is exactly one well-formed value, because it lies within bytes that [`super::scan()`] passed.
//! A walk that meets anything else ends early instead of failing.

use super::scan::{Scan, Token, lex, scan};
use super::{BencodeError, Limits};
use core::fmt;

/// One value. Copying it copies a reference.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Value<'a> {
    raw: &'a [u8],
}

/// What a value is, opened.
#[derive(Clone, Debug)]
pub enum Kind<'a> {
    /// An integer.
    Int(i64),
    /// A byte string.
    Bytes(&'a [u8]),
    /// A list.
    List(ListIter<'a>),
    /// A dictionary.
    Dict(DictIter<'a>),
}

impl<'a> Value<'a> {
    /// Scans the value at the start of `bytes`; trailing bytes show in [`Scan::end`].
    ///
    /// # Errors
    /// When the bytes do not begin with a complete value within the limits.
    pub fn parse(bytes: &'a [u8], limits: &Limits) -> Result<(Self, Scan), BencodeError> {
        let scan = scan(bytes, limits)?;
        let raw = bytes.get(..scan.end).unwrap_or_default();
        Ok((Self { raw }, scan))
    }

    /// The exact bytes of this value, as they came.
    pub const fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// What the value is.
    pub fn kind(self) -> Kind<'a> {
        match lex(self.raw, 0).map(|lexed| lexed.token) {
            Ok(Token::Int(value)) => Kind::Int(value),
            Ok(Token::Bytes(bytes)) => Kind::Bytes(bytes),
            Ok(Token::Dict) => Kind::Dict(DictIter(self.inside())),
            // the last two cannot be, by the invariant: an empty list is the harmless answer
            Ok(Token::List | Token::End) | Err(_) => Kind::List(ListIter(self.inside())),
        }
    }

    fn inside(self) -> &'a [u8] {
        self.raw.get(1..).unwrap_or_default()
    }

    /// The integer, if it is one.
    pub fn as_int(self) -> Option<i64> {
        match self.kind() {
            Kind::Int(value) => Some(value),
            Kind::Bytes(_) | Kind::List(_) | Kind::Dict(_) => None,
        }
    }

    /// The byte string, if it is one.
    pub fn as_bytes(self) -> Option<&'a [u8]> {
        match self.kind() {
            Kind::Bytes(bytes) => Some(bytes),
            Kind::Int(_) | Kind::List(_) | Kind::Dict(_) => None,
        }
    }

    /// The byte string, if it is one and UTF-8.
    pub fn as_str(self) -> Option<&'a str> {
        self.as_bytes().and_then(|bytes| core::str::from_utf8(bytes).ok())
    }

    /// The elements, if it is a list.
    pub fn as_list(self) -> Option<ListIter<'a>> {
        match self.kind() {
            Kind::List(items) => Some(items),
            Kind::Int(_) | Kind::Bytes(_) | Kind::Dict(_) => None,
        }
    }

    /// The keys and values as they came, if it is a dictionary.
    pub fn as_dict(self) -> Option<DictIter<'a>> {
        match self.kind() {
            Kind::Dict(entries) => Some(entries),
            Kind::Int(_) | Kind::Bytes(_) | Kind::List(_) => None,
        }
    }

    /// The value of a key: the first, when there are several (as libtorrent reads). Linear in the dictionary.
    pub fn dict_get(self, key: &[u8]) -> Option<Self> {
        self.as_dict()?
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({})", self.raw.escape_ascii())
    }
}

/// Splits off the value that `bytes` begin with; `None` at the `e` of what is around it.
fn take_value<'a>(bytes: &mut &'a [u8]) -> Option<Value<'a>> {
    let whole = *bytes;
    let mut at = 0;
    let mut depth = 0usize;
    loop {
        let lexed = lex(whole, at).ok()?;
        at = lexed.next;
        match lexed.token {
            Token::List | Token::Dict => depth += 1,
            Token::End => depth = depth.checked_sub(1)?,
            Token::Int(_) | Token::Bytes(_) => {}
        }
        if depth == 0 {
            let (raw, rest) = whole.split_at_checked(at)?;
            *bytes = rest;
            return Some(Value { raw });
        }
    }
}

/// Elements of a list.
#[derive(Clone, Debug)]
pub struct ListIter<'a>(&'a [u8]);

impl<'a> Iterator for ListIter<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        take_value(&mut self.0)
    }
}

/// Keys and values of a dictionary, in the order of the bytes, double keys included.
#[derive(Clone, Debug)]
pub struct DictIter<'a>(&'a [u8]);

impl<'a> Iterator for DictIter<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = take_value(&mut self.0)?.as_bytes()?;
        Some((key, take_value(&mut self.0)?))
    }
}
