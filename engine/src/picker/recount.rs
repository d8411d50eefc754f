//! The picker, counted again: what checkers compare with the figures that it keeps.

use super::Picker;
use super::blocks::PartialPiece;
use crate::geometry::BlockRange;
use crate::id::{ConnId, PieceIndex};

impl Picker {
    /// Every block that somebody owes us, as the pieces in work have it, by piece and offset.
    pub fn owed(&self) -> impl Iterator<Item = (ConnId, BlockRange)> + '_ {
        self.geometry.piece_indices().flat_map(move |piece| {
            let busy = self
                .pool
                .get(piece)
                .into_iter()
                .flat_map(PartialPiece::busy_blocks);
            busy.filter_map(move |(block, peers)| Some((self.geometry.block(piece, block)?, peers)))
                .flat_map(|(range, peers)| peers.iter().map(move |peer| (*peer, range)))
        })
    }

    /// Peers that have the piece, counted one by one.
    pub fn availability_recount(&self, piece: PieceIndex) -> u32 {
        let having = self.peers.values().filter(|peer| peer.has(piece));
        u32::try_from(having.count()).unwrap_or(u32::MAX)
    }

    /// Whether the peer has a wanted piece that is not had, looked up piece by piece.
    pub fn interesting_recount(&self, peer: ConnId) -> bool {
        let Some(peer) = self.peers.get(&peer) else {
            return false;
        };
        let mut pieces = self.geometry.piece_indices();
        pieces.any(|piece| peer.has(piece) && self.wanted.contains(piece) && !self.have.contains(piece))
    }

    /// Peers that joined and have not left.
    pub fn peers(&self) -> impl Iterator<Item = ConnId> + '_ {
        self.peers.keys().copied()
    }

    /// Pieces in work.
    pub fn partials(&self) -> usize {
        self.pool.len()
    }
}
