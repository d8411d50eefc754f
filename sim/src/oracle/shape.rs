//! The shape of a torrent, reckoned anew: which ranges are blocks of it, and what a bitfield says. The engine's own
//! `geometry` and `bitfield` are among what is judged, so neither is asked here.

use super::watch::Watch;
use seedbed_engine::bitfield::Bitfield;
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::PieceIndex;

impl Watch {
    /// Whether a range is one whole block of the torrent: the last one of a piece, and of the torrent, is shorter.
    pub(crate) fn is_block(&self, range: BlockRange) -> bool {
        let total = self.setup.content.len() as u64;
        let piece = u64::from(self.setup.metainfo.piece_length);
        let block = u64::from(self.setup.config.block_length).min(piece);
        let (begin, length) = (u64::from(range.begin), u64::from(range.length));
        let start = u64::from(range.piece.0) * piece;
        let end = (start + piece).min(total);
        let from = start + begin;
        begin.is_multiple_of(block) && from < end && length == block.min(end - from)
    }
}

/// The pieces of a bitfield, the first one in the highest bit (BEP 3). None when it has not the right length.
pub(crate) fn pieces_of(bytes: &[u8], pieces: u32) -> Option<Bitfield> {
    if bytes.len() as u64 * 8 != u64::from(pieces).next_multiple_of(8) {
        return None;
    }
    let mut set = Bitfield::new(pieces);
    for piece in 0..pieces {
        let byte = bytes.get(piece as usize / 8).copied().unwrap_or(0);
        if byte >> (7 - piece % 8) & 1 == 1 {
            set.insert(PieceIndex(piece));
        }
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bitfields_are_read_bit_by_bit() {
        let read =
            |bytes: &[u8], pieces| pieces_of(bytes, pieces).map(|set| set.iter().map(|p| p.0).collect());
        let sets: [Option<Vec<u32>>; 4] = [
            read(&[0b1000_0001, 0b1110_0000], 10),
            read(&[0xff], 8),
            read(&[0xff], 9),
            read(&[0xff, 0], 8),
        ];
        assert_eq!(sets, [Some(vec![0, 7, 8, 9]), Some((0..8).collect()), None, None]);
    }
}
