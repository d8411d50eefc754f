//! A set of pieces in wire order: piece 0 is the high bit of the first byte (BEP 3, `bitfield`).
//!
//! Invariant: spare bits are zero, so counts and comparisons may go over whole bytes.

use crate::id::PieceIndex;
use alloc::vec;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A set of pieces among a fixed number of them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Bitfield {
    bytes: Vec<u8>,
    pieces: u32,
    count: u32,
}

/// Why bytes are not a bitfield of this many pieces.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BitfieldError {
    /// The byte count is not ceil(pieces / 8).
    #[error("bitfield has {got} bytes, {expected} were expected")]
    Length {
        /// Bytes that came.
        got: usize,
        /// Bytes that fit the torrent.
        expected: usize,
    },
}

impl Bitfield {
    /// The empty set.
    pub fn new(pieces: u32) -> Self {
        Self {
            bytes: vec![0; (pieces as usize).div_ceil(8)],
            pieces,
            count: 0,
        }
    }

    /// The set of all pieces.
    pub fn full(pieces: u32) -> Self {
        let mut set = Self {
            bytes: vec![0xff; (pieces as usize).div_ceil(8)],
            pieces,
            count: pieces,
        };
        set.clear_spare_bits();
        set
    }

    /// Reads the payload of a `bitfield` message. Spare bits that are set are cleared, and the second value says
    /// so: BEP 3 wants them zero, libtorrent masks them silently.
    ///
    /// # Errors
    /// When the length does not fit.
    pub fn from_wire(bytes: &[u8], pieces: u32) -> Result<(Self, bool), BitfieldError> {
        let expected = (pieces as usize).div_ceil(8);
        if bytes.len() != expected {
            return Err(BitfieldError::Length {
                got: bytes.len(),
                expected,
            });
        }
        let mut set = Self {
            bytes: bytes.to_vec(),
            pieces,
            count: 0,
        };
        let spare_were_set = set.clear_spare_bits();
        set.count = set.bytes.iter().map(|byte| byte.count_ones()).sum();
        Ok((set, spare_were_set))
    }

    fn clear_spare_bits(&mut self) -> bool {
        let used = self.pieces % 8;
        match self.bytes.last_mut() {
            Some(last) if used != 0 => {
                let kept = *last & !(0xff >> used);
                core::mem::replace(last, kept) != kept
            }
            _ => false,
        }
    }

    /// The payload of a `bitfield` message.
    pub fn as_wire(&self) -> &[u8] {
        &self.bytes
    }

    /// How many pieces there could be.
    pub const fn capacity(&self) -> u32 {
        self.pieces
    }

    /// How many pieces are in the set.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Whether no piece is in the set.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether every piece is in the set. Of no pieces, as before the metadata is here, nobody has all.
    pub const fn is_full(&self) -> bool {
        self.count == self.pieces && self.pieces > 0
    }

    /// Whether the piece is in the set; false for one that does not exist.
    pub fn contains(&self, piece: PieceIndex) -> bool {
        piece.0 < self.pieces && self.bytes[piece.as_usize() / 8] & (0x80 >> (piece.0 % 8)) != 0
    }

    /// Adds a piece; true when it was not there. A piece that does not exist is left out.
    pub fn insert(&mut self, piece: PieceIndex) -> bool {
        if piece.0 >= self.pieces || self.contains(piece) {
            return false;
        }
        self.bytes[piece.as_usize() / 8] |= 0x80 >> (piece.0 % 8);
        self.count += 1;
        true
    }

    /// Takes a piece out; true when it was there.
    pub fn remove(&mut self, piece: PieceIndex) -> bool {
        if !self.contains(piece) {
            return false;
        }
        self.bytes[piece.as_usize() / 8] &= !(0x80 >> (piece.0 % 8));
        self.count -= 1;
        true
    }

    /// The pieces of the set in ascending order; bytes without a piece are skipped.
    pub fn iter(&self) -> impl Iterator<Item = PieceIndex> + '_ {
        self.bytes
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte != 0)
            .flat_map(|(n, byte)| {
                (0..8u32)
                    .filter(move |bit| byte & (0x80 >> bit) != 0)
                    .map(move |bit| PieceIndex(n as u32 * 8 + bit))
            })
    }

    /// How many pieces are here and not in `other`. Sets of different size are compared up to the shorter.
    pub fn count_without(&self, other: &Self) -> u32 {
        self.bytes
            .iter()
            .zip(&other.bytes)
            .map(|(a, b)| (a & !b).count_ones())
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn piece_zero_is_the_high_bit() {
        let mut set = Bitfield::new(20);
        assert!(set.insert(PieceIndex(0)) && set.insert(PieceIndex(9)) && set.insert(PieceIndex(19)));
        assert!(!set.insert(PieceIndex(20)) && !set.insert(PieceIndex(9)));
        assert_eq!(set.as_wire(), [0x80, 0x40, 0x10]);
        assert_eq!(
            set.iter().collect::<Vec<_>>(),
            [PieceIndex(0), PieceIndex(9), PieceIndex(19)]
        );
        assert!(set.remove(PieceIndex(9)) && !set.remove(PieceIndex(9)));
        assert_eq!(set.count(), 2);
    }

    #[test]
    fn spare_bits_are_cleared_and_told() {
        let (set, told) = Bitfield::from_wire(&[0xff, 0xff, 0xff], 20).unwrap();
        assert!(told && set.is_full() && set == Bitfield::full(20));
        let (_, told) = Bitfield::from_wire(&[0xff, 0xff, 0xf0], 20).unwrap();
        assert!(!told);
        assert_eq!(
            Bitfield::from_wire(&[0xff], 20),
            Err(BitfieldError::Length { got: 1, expected: 3 })
        );
    }

    #[test]
    fn counts_what_the_other_lacks() {
        let (a, _) = Bitfield::from_wire(&[0b1110_0000], 8).unwrap();
        let (b, _) = Bitfield::from_wire(&[0b0100_0001], 8).unwrap();
        assert_eq!((a.count_without(&b), b.count_without(&a)), (2, 1));
    }
}
