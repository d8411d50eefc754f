//! The peer wire protocol: handshake and messages, from bytes to values and back (BEP 3, BEP 6, BEP 10).
//!
//! ```text
//! handshake  19 "BitTorrent protocol" | reserved, 8 | info-hash, 20 | peer id, 20
//! message    length, 4 | id, 1 | payload, length - 1          length 0: keep-alive
//! ```
//!
//! Integers are big endian. Both decoders take a stream in any cut: what they yield depends on the bytes alone and
//! not on how the reads fell. They know what a well-formed message is and nothing else: whether a piece exists,
//! whether the fast extension was agreed on, whether a block was asked for is the session's business. Messages that
//! are not listed in [`Message`] (such as BEP 52's hash requests, 21 to 23) are skipped within the limits and told.

mod decoder;
mod handshake;
mod message;

pub use decoder::{Decoder, Limits, WireError};
pub use handshake::{
    HANDSHAKE_LENGTH, Handshake, HandshakeDecoder, HandshakeError, HandshakePart, PROTOCOL, Reserved,
};
pub use message::{Message, PIECE_HEAD_LENGTH, encode_piece_head};
