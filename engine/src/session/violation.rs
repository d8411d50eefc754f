//! One variant for each rule that a peer can break, with the place where the rule stands.

use crate::geometry::BlockRange;
use crate::id::PieceIndex;
use crate::mse::Fault;
use core::fmt;

/// A rule that a peer broke; its connection is closed for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Violation {
    /// The first bytes are not "\x13BitTorrent protocol" (BEP 3).
    NotBitTorrent,
    /// The encrypted handshake went wrong (MSE).
    Encryption(Fault),
    /// It dialled us in plain although encryption is required.
    NotEncrypted,
    /// The handshake names another torrent than the one we asked for (BEP 3).
    WrongTorrent,
    /// The handshake of a peer that dialled us names no torrent of ours (BEP 3).
    UnknownTorrent,
    /// A message is longer than any legal one of its kind.
    MessageTooLong {
        /// The length that the prefix announced.
        length: u32,
        /// The longest that is read.
        limit: u32,
    },
    /// A message of fixed length has another one (BEP 3).
    WrongLength {
        /// Message id.
        id: u8,
        /// Length of the message, its id included.
        length: u32,
    },
    /// The bitfield has not ceil(pieces / 8) bytes (BEP 3).
    BitfieldLength {
        /// Bytes that came.
        got: usize,
        /// Bytes that fit.
        expected: usize,
    },
    /// `have`, `suggest`, `allowed fast` or `reject` names a piece that does not exist.
    PieceOutOfRange {
        /// Message id.
        id: u8,
        /// The piece it named.
        piece: PieceIndex,
    },
    /// A message of the Fast extension although it was not negotiated (BEP 6: MUST close).
    FastNotNegotiated {
        /// Message id.
        id: u8,
    },
    /// An extended message although the extension protocol was not negotiated (BEP 10).
    ExtendedNotNegotiated,
    /// The extended handshake is no dictionary (BEP 10).
    BadExtendedHandshake,
    /// A metadata message is longer than a piece and its head (BEP 9).
    MetadataTooLong {
        /// Bytes that came.
        length: usize,
        /// The longest that is read.
        limit: usize,
    },
    /// A metadata message is no dictionary, has no kind, or names no piece (BEP 9).
    BadMetadataMessage,
    /// A piece of metadata that was never requested (BEP 9 knows no such thing).
    MetadataNotRequested {
        /// The piece.
        piece: u32,
    },
    /// A piece of metadata whose `total_size` is not the size that the peer's handshake claimed (BEP 9).
    MetadataSize {
        /// What its handshake said.
        claimed: u32,
        /// What the piece says.
        said: i64,
    },
    /// A piece of metadata has not the length that its place wants (BEP 9).
    MetadataLength {
        /// The piece.
        piece: u32,
        /// Bytes that came.
        got: usize,
        /// Bytes that fit.
        expected: usize,
    },
    /// `lt_donthave` is no number of four bytes (BEP 54).
    BadDontHave {
        /// Its length without the head.
        length: usize,
    },
    /// A message of peer exchange is no dictionary, or no bencode (BEP 11).
    BadPex,
    /// Peers are exchanged far more often than once a minute (BEP 11).
    TooFrequentPex,
    /// A block that was never requested (BEP 6: MUST close; BEP 3 knows no such thing).
    BlockNotRequested {
        /// The range it claims.
        range: BlockRange,
    },
    /// A block whose range lies in no piece.
    BlockOutOfRange {
        /// The range it claims.
        range: BlockRange,
    },
    /// More blocks than the bound came that we already had.
    TooManyDuplicates,
    /// Too many requests that cannot be answered.
    TooManyBadRequests,
    /// Too many rejects of requests that we never made.
    TooManyStrayRejects,
    /// More requests queued than we said that we take (`reqq`, BEP 10), by far.
    RequestFlood,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBitTorrent => f.write_str("does not speak the BitTorrent protocol"),
            Self::Encryption(fault) => fault.fmt(f),
            Self::NotEncrypted => f.write_str("not encrypted, which is required"),
            Self::WrongTorrent => f.write_str("answered for another torrent"),
            Self::UnknownTorrent => f.write_str("asked for a torrent that is not here"),
            Self::MessageTooLong { length, limit } => {
                write!(f, "message of {length} bytes, {limit} are allowed")
            }
            Self::WrongLength { id, length } => write!(f, "message {id} has a length of {length}"),
            Self::BitfieldLength { got, expected } => {
                write!(f, "bitfield of {got} bytes, {expected} fit this torrent")
            }
            Self::PieceOutOfRange { id, piece } => {
                write!(f, "message {id} names piece {}, which does not exist", piece.0)
            }
            Self::FastNotNegotiated { id } => {
                write!(f, "message {id} of the Fast extension, which was not negotiated")
            }
            Self::ExtendedNotNegotiated => f.write_str("extended message, which was not negotiated"),
            Self::BadExtendedHandshake => f.write_str("the extended handshake is not a dictionary"),
            Self::MetadataTooLong { length, limit } => {
                write!(f, "metadata message of {length} bytes, {limit} are allowed")
            }
            Self::BadMetadataMessage => f.write_str("metadata message that says nothing"),
            Self::MetadataNotRequested { piece } => {
                write!(f, "sent piece {piece} of the metadata, which was never requested")
            }
            Self::MetadataSize { claimed, said } => {
                write!(f, "said that the metadata has {claimed} bytes, then {said}")
            }
            Self::MetadataLength { piece, got, expected } => write!(
                f,
                "sent {got} bytes as piece {piece} of the metadata, which has {expected}"
            ),
            Self::BadDontHave { length } => write!(f, "lt_donthave of {length} bytes"),
            Self::BadPex => f.write_str("its peer exchange is not a dictionary"),
            Self::TooFrequentPex => f.write_str("exchanges peers far more often than once a minute"),
            Self::BlockNotRequested { range } => write!(f, "sent block {range}, which was never requested"),
            Self::BlockOutOfRange { range } => write!(f, "sent block {range}, which lies in no piece"),
            Self::TooManyDuplicates => f.write_str("sent too many blocks that we had"),
            Self::TooManyBadRequests => f.write_str("too many requests that cannot be answered"),
            Self::TooManyStrayRejects => f.write_str("too many rejects of requests never made"),
            Self::RequestFlood => f.write_str("queued far more requests than allowed"),
        }
    }
}
