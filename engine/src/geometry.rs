//! Piece and block arithmetic (BEP 3): which bytes a piece has, which blocks, and which ranges are legal.
//!
//! A [`Geometry`] can only be made from sizes that fit together, so nothing below has to ask again.

use crate::id::PieceIndex;
use core::fmt;
use core::ops::Range;
use serde::{Deserialize, Serialize};

/// A piece may not be longer: `begin` and `length` are 32-bit on the wire and a piece is hashed in memory.
/// libtorrent refuses from 512 MiB.
pub const PIECE_LENGTH_MAX: u32 = 512 * 1024 * 1024;

/// More pieces than this are refused: the limit of libtorrent (0x200000), a 256 KiB bitfield.
pub const PIECE_COUNT_MAX: u32 = 0x20_0000;

/// A range of bytes within a piece, as `request`, `piece`, `cancel` and `reject` carry it. Not yet validated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct BlockRange {
    /// The piece.
    pub piece: PieceIndex,
    /// Offset of the first byte within the piece.
    pub begin: u32,
    /// Number of bytes.
    pub length: u32,
}

impl fmt::Display for BlockRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}:{}", self.piece, self.begin, self.length)
    }
}

/// Why sizes do not make a torrent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GeometryError {
    /// `piece length` is zero or above [`PIECE_LENGTH_MAX`].
    #[error("piece length is {0}, allowed is 1 to {PIECE_LENGTH_MAX}")]
    PieceLength(u64),
    /// More pieces than [`PIECE_COUNT_MAX`].
    #[error("{0} pieces, allowed are {PIECE_COUNT_MAX}")]
    PieceCount(u64),
    /// The content has no byte.
    #[error("the content is empty")]
    Empty,
    /// The block length is zero.
    #[error("block length is zero")]
    BlockLength,
}

/// Sizes of a torrent's content. At least one byte, at least one piece; only [`Geometry::unknown`] has neither.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Geometry {
    total: u64,
    piece_length: u32,
    block_length: u32,
    pieces: u32,
}

impl Geometry {
    /// Checks that the sizes fit together. `block_length` is the length of our requests: 16 KiB on real swarms.
    ///
    /// # Errors
    /// Says which size is out of range.
    pub fn new(total: u64, piece_length: u64, block_length: u32) -> Result<Self, GeometryError> {
        let length = u32::try_from(piece_length)
            .ok()
            .filter(|length| (1..=PIECE_LENGTH_MAX).contains(length))
            .ok_or(GeometryError::PieceLength(piece_length))?;
        if total == 0 {
            return Err(GeometryError::Empty);
        }
        if block_length == 0 {
            return Err(GeometryError::BlockLength);
        }
        let count = total.div_ceil(piece_length);
        let pieces = u32::try_from(count)
            .ok()
            .filter(|count| *count <= PIECE_COUNT_MAX)
            .ok_or(GeometryError::PieceCount(count))?;
        Ok(Self {
            total,
            piece_length: length,
            block_length: block_length.min(length),
            pieces,
        })
    }

    /// Stands for the sizes of a torrent whose metadata is not here: no byte, no piece, so that no index and no range is
    /// legal. `block_length` is the longest block that is read.
    pub const fn unknown(block_length: u32) -> Self {
        Self {
            total: 0,
            piece_length: 1,
            block_length,
            pieces: 0,
        }
    }

    /// Whether the sizes are known.
    pub const fn is_known(&self) -> bool {
        self.pieces > 0
    }

    /// Bytes of content.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Number of pieces, at least 1 if the sizes are known.
    pub const fn pieces(&self) -> u32 {
        self.pieces
    }

    /// Length of every piece but perhaps the last.
    pub const fn piece_length(&self) -> u32 {
        self.piece_length
    }

    /// Length of every block but perhaps the last of a piece.
    pub const fn block_length(&self) -> u32 {
        self.block_length
    }

    /// Whether there is such a piece.
    pub const fn contains(&self, piece: PieceIndex) -> bool {
        piece.0 < self.pieces
    }

    /// Length of this piece; 0 when there is none.
    pub fn length_of(&self, piece: PieceIndex) -> u32 {
        let bytes = self.bytes_of(piece);
        u32::try_from(bytes.end - bytes.start).unwrap_or(0)
    }

    /// The bytes of this piece within the content; empty when there is none.
    pub fn bytes_of(&self, piece: PieceIndex) -> Range<u64> {
        let start = (u64::from(piece.0) * u64::from(self.piece_length)).min(self.total);
        start..(start + u64::from(self.piece_length)).min(self.total)
    }

    /// Number of blocks of this piece; 0 when there is none.
    pub fn blocks_in(&self, piece: PieceIndex) -> u32 {
        self.length_of(piece).div_ceil(self.block_length)
    }

    /// The `n`-th block of a piece, if there is one.
    pub fn block(&self, piece: PieceIndex, n: u32) -> Option<BlockRange> {
        let length = self.length_of(piece);
        let begin = n.checked_mul(self.block_length).filter(|begin| *begin < length)?;
        Some(BlockRange {
            piece,
            begin,
            length: self.block_length.min(length - begin),
        })
    }

    /// Which block of its piece this is, if it is exactly one of ours.
    pub fn block_number(&self, range: BlockRange) -> Option<u32> {
        let n = range.begin / self.block_length;
        (self.block(range.piece, n) == Some(range)).then_some(n)
    }

    /// Whether the range has at least one byte and lies within one piece.
    pub fn is_within(&self, range: BlockRange) -> bool {
        range.length > 0
            && range
                .begin
                .checked_add(range.length)
                .is_some_and(|end| end <= self.length_of(range.piece))
    }

    /// The bytes of a range within the content. Meaningful only for a range that [`Geometry::is_within`].
    pub fn bytes_of_range(&self, range: BlockRange) -> Range<u64> {
        let start = u64::from(range.piece.0) * u64::from(self.piece_length) + u64::from(range.begin);
        start..start + u64::from(range.length)
    }

    /// All pieces in order.
    pub fn piece_indices(&self) -> impl DoubleEndedIterator<Item = PieceIndex> + use<> {
        (0..self.pieces).map(PieceIndex)
    }

    /// The pieces that share at least one byte with this range of the content.
    pub fn pieces_of(&self, bytes: Range<u64>) -> Range<u32> {
        let end = bytes.end.min(self.total);
        if bytes.start >= end {
            return 0..0;
        }
        let length = u64::from(self.piece_length);
        // both are below `pieces`, which is a u32
        (bytes.start / length) as u32..((end - 1) / length) as u32 + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(piece: u32, begin: u32, length: u32) -> BlockRange {
        BlockRange {
            piece: PieceIndex(piece),
            begin,
            length,
        }
    }

    #[test]
    fn the_last_piece_and_the_last_block_are_short() {
        let geometry = Geometry::new(3 * 32_768 + 20_000, 32_768, 16_384).unwrap();
        assert_eq!(geometry.pieces(), 4);
        assert_eq!(geometry.length_of(PieceIndex(2)), 32_768);
        assert_eq!(geometry.length_of(PieceIndex(3)), 20_000);
        assert_eq!(geometry.length_of(PieceIndex(4)), 0);
        assert_eq!(geometry.blocks_in(PieceIndex(3)), 2);
        assert_eq!(geometry.block(PieceIndex(3), 1), Some(range(3, 16_384, 3_616)));
        assert_eq!(geometry.block(PieceIndex(3), 2), None);
        assert_eq!(geometry.block_number(range(3, 16_384, 3_616)), Some(1));
        assert_eq!(geometry.block_number(range(3, 16_384, 3_615)), None);
        assert_eq!(geometry.block_number(range(3, 1, 16_384)), None);
    }

    #[test]
    fn a_range_that_wraps_is_not_within() {
        let geometry = Geometry::new(100_000, 32_768, 16_384).unwrap();
        assert!(geometry.is_within(range(1, 32_668, 100)));
        assert!(!geometry.is_within(range(1, 32_668, 101)));
        assert!(!geometry.is_within(range(0, u32::MAX - 5, 10)));
        assert!(!geometry.is_within(range(0, 5, 0)));
        assert!(!geometry.is_within(range(u32::MAX, 0, 1)));
    }

    #[test]
    fn pieces_of_a_byte_range() {
        let geometry = Geometry::new(100, 30, 10).unwrap();
        assert_eq!(geometry.pieces_of(0..30), 0..1);
        assert_eq!(geometry.pieces_of(29..31), 0..2);
        assert_eq!(geometry.pieces_of(95..1000), 3..4);
        assert_eq!(geometry.pieces_of(50..50), 0..0);
        assert_eq!(geometry.pieces_of(100..120), 0..0);
    }

    #[test]
    fn sizes_that_do_not_fit_are_named() {
        assert_eq!(Geometry::new(5, 0, 16), Err(GeometryError::PieceLength(0)));
        assert_eq!(Geometry::new(0, 5, 16), Err(GeometryError::Empty));
        assert_eq!(
            Geometry::new(1 << 40, 1, 16),
            Err(GeometryError::PieceCount(1 << 40))
        );
        assert_eq!(
            Geometry::new(7, 1 << 33, 16),
            Err(GeometryError::PieceLength(1 << 33))
        );
    }
}
