//! The message of `ut_metadata` (BEP 9): a dictionary, and behind that of a `data` message the bytes of the piece.
//!
//! ```text
//! request  d8:msg_typei0e5:piecei3ee
//! data     d8:msg_typei1e5:piecei3e10:total_sizei34256ee ...
//! reject   d8:msg_typei2e5:piecei3ee
//! ```
//!
//! Only the form is read here. Whether a piece exists and was asked for is the session's business.

use crate::bencode::{Limits, Value};
use alloc::format;
use alloc::vec::Vec;

/// The extension's name in the extended handshake.
pub const NAME: &str = "ut_metadata";

/// Bytes that a message may have beside those of its piece [libtorrent: 17 KiB in all].
pub const HEAD_MAX: usize = 1024;

/// One message. A piece is a number that its sender chose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MetadataMessage<'a> {
    /// The sender wants this piece.
    Request {
        /// Which one.
        piece: u32,
    },
    /// A piece.
    Data {
        /// Which one.
        piece: u32,
        /// Bytes of the whole dictionary, as the sender says; some leave it out.
        total_size: Option<i64>,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// The sender does not give this piece.
    Reject {
        /// Which one.
        piece: u32,
    },
    /// A kind of message that BEP 9 does not know: it must be ignored.
    Unknown,
}

impl<'a> MetadataMessage<'a> {
    /// Reads a message. None when it is no dictionary, has no kind, or names no piece from 0 to 2^32 - 1.
    pub fn decode(payload: &'a [u8]) -> Option<Self> {
        let (value, scan) = Value::parse(payload, &Limits::MESSAGE).ok()?;
        let (mut kind, mut piece, mut total_size) = (None, None, None);
        for (key, value) in value.as_dict()? {
            match key {
                b"msg_type" => kind = kind.or(value.as_int()),
                b"piece" => piece = piece.or(value.as_int()),
                b"total_size" => total_size = total_size.or(value.as_int()),
                _ => {}
            }
        }
        let kind = kind?;
        if !(0..=2).contains(&kind) {
            return Some(Self::Unknown);
        }
        let piece = u32::try_from(piece?).ok()?;
        Some(match kind {
            0 => Self::Request { piece },
            1 => Self::Data {
                piece,
                total_size,
                bytes: payload.get(scan.end..).unwrap_or_default(),
            },
            _ => Self::Reject { piece },
        })
    }

    /// The payload of an `extended` message. For [`MetadataMessage::Unknown`] there is none.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Request { piece } => format!("d8:msg_typei0e5:piecei{piece}ee").into_bytes(),
            Self::Reject { piece } => format!("d8:msg_typei2e5:piecei{piece}ee").into_bytes(),
            Self::Data {
                piece,
                total_size,
                bytes,
            } => {
                let total = total_size.map_or_else(Default::default, |size| format!("10:total_sizei{size}e"));
                let mut out = format!("d8:msg_typei1e5:piecei{piece}e{total}e").into_bytes();
                out.extend_from_slice(bytes);
                out
            }
            Self::Unknown => Vec::new(),
        }
    }
}

/// How many pieces metadata of this size has.
pub const fn pieces(size: u32, piece_length: u32) -> u32 {
    size.div_ceil(piece_length)
}

/// Bytes of one piece; 0 when there is none.
pub fn length_of(size: u32, piece_length: u32, piece: u32) -> u32 {
    let start = u64::from(piece) * u64::from(piece_length);
    let left = u64::from(size).saturating_sub(start);
    // no more than `piece_length`, a u32
    left.min(u64::from(piece_length)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(payload: &[u8], expected: Option<MetadataMessage<'_>>) {
        assert_eq!(MetadataMessage::decode(payload), expected);
    }

    #[test]
    fn messages_of_the_bep() {
        check(
            b"d8:msg_typei0e5:piecei0ee",
            Some(MetadataMessage::Request { piece: 0 }),
        );
        let data = MetadataMessage::Data {
            piece: 0,
            total_size: Some(3425),
            bytes: b"xxxxxxxx",
        };
        check(
            b"d8:msg_typei1e5:piecei0e10:total_sizei3425eexxxxxxxx",
            Some(data),
        );
        check(
            b"d8:msg_typei2e5:piecei0ee",
            Some(MetadataMessage::Reject { piece: 0 }),
        );
    }

    #[test]
    fn what_is_written_is_read() {
        for piece in [0, 1, 77, u32::MAX] {
            for message in [
                MetadataMessage::Request { piece },
                MetadataMessage::Reject { piece },
                MetadataMessage::Data {
                    piece,
                    total_size: Some(40_000),
                    bytes: b"de",
                },
                MetadataMessage::Data {
                    piece,
                    total_size: None,
                    bytes: b"",
                },
            ] {
                check(&message.encode(), Some(message));
            }
        }
    }

    #[test]
    fn unknown_kinds_are_told_apart_from_nonsense() {
        check(b"d8:msg_typei3e5:piecei0ee", Some(MetadataMessage::Unknown));
        check(b"d8:msg_typei-1ee", Some(MetadataMessage::Unknown));
        check(b"d8:msg_typei7e3:fooi1eeabc", Some(MetadataMessage::Unknown));
        for nonsense in [
            &b""[..],
            b"le",
            b"de",
            b"d5:piecei0ee",
            b"d8:msg_typei0ee",
            b"d8:msg_type1:05:piecei0ee",
            b"d8:msg_typei0e5:piecei-1ee",
            b"d8:msg_typei0e5:piecei4294967296ee",
            b"d8:msg_typei0e5:piecei0e",
        ] {
            check(nonsense, None);
        }
    }

    #[test]
    fn pieces_and_their_lengths() {
        assert_eq!(pieces(1, 16_384), 1);
        assert_eq!(pieces(16_384, 16_384), 1);
        assert_eq!(pieces(16_385, 16_384), 2);
        assert_eq!(length_of(40_000, 16_384, 0), 16_384);
        assert_eq!(length_of(40_000, 16_384, 2), 7_232);
        assert_eq!(length_of(40_000, 16_384, 3), 0);
        assert_eq!(length_of(40_000, 16_384, u32::MAX), 0);
    }
}
