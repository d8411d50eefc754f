//! The messages of a connection and their bytes (BEP 3 "peer messages", BEP 5 `port`, BEP 6, BEP 10 `extended`).
//!
//! A message is only its form: piece indices and ranges are as the peer wrote them and not yet checked against a
//! torrent. `Display` is the line of a timeline and never holds payload.

use crate::block::Block;
use crate::geometry::BlockRange;
use crate::id::PieceIndex;
use alloc::vec::Vec;
use core::fmt;

/// Bytes of a `piece` message before its payload: length, id, index, begin.
pub const PIECE_HEAD_LENGTH: usize = 13;

/// Message ids.
pub(super) mod id {
    pub(crate) const CHOKE: u8 = 0;
    pub(crate) const UNCHOKE: u8 = 1;
    pub(crate) const INTERESTED: u8 = 2;
    pub(crate) const NOT_INTERESTED: u8 = 3;
    pub(crate) const HAVE: u8 = 4;
    pub(crate) const BITFIELD: u8 = 5;
    pub(crate) const REQUEST: u8 = 6;
    pub(crate) const PIECE: u8 = 7;
    pub(crate) const CANCEL: u8 = 8;
    pub(crate) const PORT: u8 = 9;
    pub(crate) const SUGGEST: u8 = 13;
    pub(crate) const HAVE_ALL: u8 = 14;
    pub(crate) const HAVE_NONE: u8 = 15;
    pub(crate) const REJECT: u8 = 16;
    pub(crate) const ALLOWED_FAST: u8 = 17;
    pub(crate) const EXTENDED: u8 = 20;
}

/// The field's word for a message id, if a BEP that we know names it.
pub(super) const fn name(id: u8) -> Option<&'static str> {
    Some(match id {
        id::CHOKE => "choke",
        id::UNCHOKE => "unchoke",
        id::INTERESTED => "interested",
        id::NOT_INTERESTED => "not interested",
        id::HAVE => "have",
        id::BITFIELD => "bitfield",
        id::REQUEST => "request",
        id::PIECE => "piece",
        id::CANCEL => "cancel",
        id::PORT => "port",
        id::SUGGEST => "suggest",
        id::HAVE_ALL => "have all",
        id::HAVE_NONE => "have none",
        id::REJECT => "reject",
        id::ALLOWED_FAST => "allowed fast",
        id::EXTENDED => "extended",
        _ => return None,
    })
}

/// One message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// Length 0: says only that the connection lives.
    KeepAlive,
    /// Our requests will not be answered.
    Choke,
    /// Our requests will be answered.
    Unchoke,
    /// The sender wants something that we have.
    Interested,
    /// The sender wants nothing that we have.
    NotInterested,
    /// The sender has this piece, verified.
    Have(PieceIndex),
    /// What the sender has, piece 0 in the high bit of the first byte. Its length is not yet checked.
    Bitfield(Vec<u8>),
    /// A wish for a block.
    Request(BlockRange),
    /// A block. `range.length` is the number of payload bytes.
    Piece {
        /// Where the payload belongs.
        range: BlockRange,
        /// The payload.
        data: Block,
    },
    /// A request is withdrawn.
    Cancel(BlockRange),
    /// The UDP port of the sender's DHT node (BEP 5).
    Port(u16),
    /// A hint which piece to ask for (BEP 6).
    Suggest(PieceIndex),
    /// Stands for a full bitfield (BEP 6).
    HaveAll,
    /// Stands for an empty bitfield (BEP 6).
    HaveNone,
    /// A request will not be answered (BEP 6).
    Reject(BlockRange),
    /// A piece that may be asked for while choked (BEP 6). Does not say that the sender has it.
    AllowedFast(PieceIndex),
    /// A message of the extension protocol (BEP 10).
    Extended {
        /// 0 is the handshake; any other was given out by the receiver's own handshake.
        id: u8,
        /// Everything after the id.
        payload: Vec<u8>,
    },
    /// A message that no BEP we know names. Its payload was skipped.
    Unknown {
        /// Its message id.
        id: u8,
        /// Its length prefix: payload and id byte.
        length: u32,
    },
}

impl Message {
    /// Appends the whole message. A block that is at hand by reference goes out behind [`encode_piece_head`]
    /// without being copied. [`Message::Unknown`] has lost its payload, so nothing is written for it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::KeepAlive => out.extend_from_slice(&[0; 4]),
            Self::Choke => head(out, 1, id::CHOKE),
            Self::Unchoke => head(out, 1, id::UNCHOKE),
            Self::Interested => head(out, 1, id::INTERESTED),
            Self::NotInterested => head(out, 1, id::NOT_INTERESTED),
            Self::Have(piece) => indexed(out, id::HAVE, *piece),
            Self::Bitfield(bits) => {
                head(out, length_of(bits) + 1, id::BITFIELD);
                out.extend_from_slice(bits);
            }
            Self::Request(range) => ranged(out, id::REQUEST, *range),
            Self::Piece { range, data } => {
                let length = length_of(data.as_bytes());
                encode_piece_head(BlockRange { length, ..*range }, out);
                out.extend_from_slice(data.as_bytes());
            }
            Self::Cancel(range) => ranged(out, id::CANCEL, *range),
            Self::Port(port) => {
                head(out, 3, id::PORT);
                out.extend_from_slice(&port.to_be_bytes());
            }
            Self::Suggest(piece) => indexed(out, id::SUGGEST, *piece),
            Self::HaveAll => head(out, 1, id::HAVE_ALL),
            Self::HaveNone => head(out, 1, id::HAVE_NONE),
            Self::Reject(range) => ranged(out, id::REJECT, *range),
            Self::AllowedFast(piece) => indexed(out, id::ALLOWED_FAST, *piece),
            Self::Extended { id, payload } => {
                head(out, length_of(payload) + 2, id::EXTENDED);
                out.push(*id);
                out.extend_from_slice(payload);
            }
            Self::Unknown { .. } => {}
        }
    }
}

/// Appends the 13 bytes before the payload of a `piece` message; `range.length` bytes of payload must follow.
pub fn encode_piece_head(range: BlockRange, out: &mut Vec<u8>) {
    head(out, range.length + 9, id::PIECE);
    out.extend_from_slice(&range.piece.0.to_be_bytes());
    out.extend_from_slice(&range.begin.to_be_bytes());
}

fn head(out: &mut Vec<u8>, length: u32, id: u8) {
    out.extend_from_slice(&length.to_be_bytes());
    out.push(id);
}

fn indexed(out: &mut Vec<u8>, id: u8, piece: PieceIndex) {
    head(out, 5, id);
    out.extend_from_slice(&piece.0.to_be_bytes());
}

fn ranged(out: &mut Vec<u8>, id: u8, range: BlockRange) {
    head(out, 13, id);
    for word in [range.piece.0, range.begin, range.length] {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

/// What we send is built by us under limits far below 4 GiB, so the length always fits.
fn length_of(bytes: &[u8]) -> u32 {
    assert!(
        bytes.len() < u32::MAX as usize - 16,
        "no message of ours is that long"
    );
    bytes.len() as u32
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeepAlive => f.write_str("keep-alive"),
            Self::Choke => f.write_str("choke"),
            Self::Unchoke => f.write_str("unchoke"),
            Self::Interested => f.write_str("interested"),
            Self::NotInterested => f.write_str("not interested"),
            Self::Have(piece) => write!(f, "have {piece}"),
            Self::Bitfield(bits) => {
                let set: u32 = bits.iter().map(|byte| byte.count_ones()).sum();
                write!(f, "bitfield {} bytes, {set} set", bits.len())
            }
            Self::Request(range) => write!(f, "request {range}"),
            Self::Piece { range, .. } => write!(f, "piece {range}"),
            Self::Cancel(range) => write!(f, "cancel {range}"),
            Self::Port(port) => write!(f, "port {port}"),
            Self::Suggest(piece) => write!(f, "suggest {piece}"),
            Self::HaveAll => f.write_str("have all"),
            Self::HaveNone => f.write_str("have none"),
            Self::Reject(range) => write!(f, "reject {range}"),
            Self::AllowedFast(piece) => write!(f, "allowed fast {piece}"),
            Self::Extended { id: 0, payload } => write!(f, "extended handshake, {} bytes", payload.len()),
            Self::Extended { id, payload } => write!(f, "extended {id}, {} bytes", payload.len()),
            Self::Unknown { id, length } => write!(f, "unknown {id}, length {length}"),
        }
    }
}
