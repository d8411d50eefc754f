//! End-game: when no wanted block is free, a peer with an empty queue races others for a busy one.
//!
//! Only an idle peer races, for as many blocks as its line holds, because each duplicate is paid for twice. libtorrent lets
//! it race for one at a time: then a fast peer far away fetches one a round trip, and slow ones are waited for.

use super::{Pick, PickMode, PickReason, Picker};
use crate::id::{ConnId, PieceIndex};

/// Busy blocks that are compared before the one with the fewest requesters is taken.
const COMPARED_MAX: usize = 64;

impl Picker {
    /// One busy block for a peer that is idle but for such ones, the longest-open piece first, then the fewest requesters.
    /// Not for peers that choke us or are snubbed (they would only take the place of a faster one); one on parole
    /// races snubbed ones only.
    pub(super) fn endgame_pick(&mut self, id: ConnId, how: PickMode<'_>) -> Option<Pick> {
        if !self.is_endgame() || how.allowed.is_some() || how.snubbed {
            return None;
        }
        let (others, piece, block) = self.busy_block(id, how.exclusive)?;
        let range = self.geometry.block(piece, block)?;
        self.pool.update(piece, |partial| partial.request(block, id));
        if let Some(state) = self.peers.get_mut(&id) {
            state.requested.insert((piece, block));
        }
        Some(Pick {
            range,
            reason: PickReason::Endgame { others },
        })
    }

    /// The busy block that this peer would race for, with the number of those who race already; if so told, only one
    /// that nobody but snubbed peers owes.
    pub(super) fn busy_block(&self, id: ConnId, of_snubbed: bool) -> Option<(u32, PieceIndex, u32)> {
        let peer = self.peers.get(&id)?;
        let most = self.config.endgame_duplicates_max as usize;
        self.pool
            .by_age()
            .inspect(|_| self.probes.step())
            .filter(|(piece, partial)| partial.busy() > 0 && peer.has(*piece))
            .flat_map(|(piece, partial)| {
                partial
                    .busy_blocks()
                    .map(move |(block, requesters)| (requesters, piece, block))
            })
            .inspect(|_| self.probes.step())
            .filter(|(requesters, ..)| requesters.len() < most && !requesters.contains(&id))
            .filter(|(requesters, ..)| !of_snubbed || requesters.iter().all(|other| self.is_snubbed(*other)))
            .map(|(requesters, piece, block)| (requesters.len() as u32, piece, block))
            .take(COMPARED_MAX)
            .min_by_key(|(others, ..)| *others)
    }
}
