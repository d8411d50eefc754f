//! Bencode (BEP 3): a scanner that goes over every foreign byte, and typed decoding of what passed.
//!
//! `serde_bencode` alone may not face foreign bytes: deeply nested lists overflow its stack and abort the process, it
//! copies every string, fails on keys that are not UTF-8 and hides non-canonical input, which an info-hash must see.
//! So [`scan()`] comes first. It does not recurse, allocates only the open dictionaries' keys, and enforces
//! [`Limits`]. Reading then goes over the same bytes with [`Value`], or over `serde_bencode` with [`from_bytes`].

mod scan;
#[cfg(test)]
mod tests;
mod value;

pub use scan::{Scan, prefix_len, scan, scan_strict};
pub use value::{DictIter, Kind, ListIter, Value};

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An integer with more digits than this is refused before it is read: `i64` needs 19 and a sign.
pub const INTEGER_DIGITS_MAX: usize = 20;

/// A type error names what it found; a foreign string in it is cut here.
const SHAPE_TEXT_MAX: usize = 200;

/// What input may cost. Every decoder takes one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of input, trailing ones included.
    pub size: usize,
    /// Lists and dictionaries inside one another. 64 at most, so that `serde_bencode` recurses safely.
    pub depth: usize,
    /// Integers, strings (keys too), lists and dictionaries.
    pub tokens: usize,
}

impl Limits {
    /// A .torrent file or a resume file: 64 MiB and 3 million tokens, which is libtorrent's limit.
    pub const TORRENT: Self = Self {
        size: 64 * 1024 * 1024,
        depth: 64,
        tokens: 3_000_000,
    };
    /// A message of a peer: never longer than the wire allows, and far fewer tokens.
    pub const MESSAGE: Self = Self {
        size: 1024 * 1024,
        depth: 64,
        tokens: 10_000,
    };
    /// A tracker's reply: 2 MiB (rain's limit), with room for ten thousand peers in dictionaries.
    pub const REPLY: Self = Self {
        size: 2 * 1024 * 1024,
        depth: 64,
        tokens: 100_000,
    };
}

/// Why bytes are not bencode, or not what was asked for. Offsets count from the start of the input.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BencodeError {
    /// More bytes than [`Limits::size`].
    #[error("{length} bytes of bencode, allowed are {max}")]
    Size {
        /// Bytes that came.
        length: usize,
        /// Bytes that are allowed.
        max: usize,
    },
    /// The input ends inside a value.
    #[error("bencode ends in the middle of a value, at byte {at}")]
    Truncated {
        /// Where the unfinished token begins.
        at: usize,
    },
    /// No value begins with this byte.
    #[error("byte {at} of bencode begins no value")]
    Unexpected {
        /// Where it is.
        at: usize,
    },
    /// An integer is not digits with at most one `-`.
    #[error("malformed integer at byte {at} of bencode")]
    Integer {
        /// Where it begins.
        at: usize,
    },
    /// An integer does not fit 64 bits, or has more digits than [`INTEGER_DIGITS_MAX`].
    #[error("integer out of range at byte {at} of bencode")]
    IntegerRange {
        /// Where it begins.
        at: usize,
    },
    /// A string's length is not digits followed by `:`.
    #[error("malformed string length at byte {at} of bencode")]
    StringLength {
        /// Where it begins.
        at: usize,
    },
    /// A string is longer than what is left of the input.
    #[error("string at byte {at} of bencode is longer than the rest of the input")]
    StringTooLong {
        /// Where it begins.
        at: usize,
    },
    /// A dictionary's key is not a string.
    #[error("dictionary key at byte {at} of bencode is not a string")]
    Key {
        /// Where it begins.
        at: usize,
    },
    /// A dictionary ends after a key.
    #[error("dictionary ends without a value for its last key, at byte {at} of bencode")]
    MissingValue {
        /// Where the dictionary ends.
        at: usize,
    },
    /// Deeper than [`Limits::depth`].
    #[error("bencode is nested deeper than {max}")]
    Depth {
        /// Levels that are allowed.
        max: usize,
    },
    /// More tokens than [`Limits::tokens`].
    #[error("bencode has more than {max} values")]
    Tokens {
        /// Tokens that are allowed.
        max: usize,
    },
    /// Strict reading: keys unsorted or double, or numbers with needless digits.
    #[error("bencode is not in its canonical form")]
    NotCanonical,
    /// Strict reading: bytes follow the value.
    #[error("{0} bytes follow the bencoded value")]
    Trailing(usize),
    /// Well-formed, but not the value that was asked for.
    #[error("unexpected bencode: {0}")]
    Shape(String),
}

/// Reads a typed value after a [`scan()`]. Unknown keys are skipped, unsorted keys and trailing bytes are accepted.
///
/// # Errors
/// When the bytes are not bencode within the limits, or not of this shape. A key that is not UTF-8 fails too: read
/// with [`Value`] where such keys are legal.
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8], limits: &Limits) -> Result<T, BencodeError> {
    let scan = scan(bytes, limits)?;
    serde_bencode::from_bytes(bytes.get(..scan.end).unwrap_or_default()).map_err(|error| shape(&error))
}

/// Writes a value in canonical form.
///
/// # Errors
/// When the type has something that bencode cannot say (floating point, a map whose keys are not strings).
pub fn to_bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, BencodeError> {
    serde_bencode::to_bytes(value).map_err(|error| shape(&error))
}

fn shape(error: &serde_bencode::Error) -> BencodeError {
    BencodeError::Shape(error.to_string().chars().take(SHAPE_TEXT_MAX).collect())
}
