//! What becomes of a request: the block arrives, or the request is void.

use super::peers::BlockKey;
use super::{Picker, Receipt};
use crate::geometry::BlockRange;
use crate::id::{ConnId, PieceIndex};
use alloc::vec::Vec;
use smallvec::SmallVec;

impl Picker {
    /// Blocks requested from a peer that have not come, by piece and offset.
    pub fn requested_by(&self, peer: ConnId) -> impl Iterator<Item = BlockRange> + '_ {
        self.peers
            .get(&peer)
            .into_iter()
            .flat_map(|state| state.requested.iter())
            .filter_map(|(piece, block)| self.geometry.block(*piece, *block))
    }

    /// How many blocks are requested from a peer and have not come.
    pub fn outstanding(&self, peer: ConnId) -> usize {
        self.peers.get(&peer).map_or(0, |state| state.requested.len())
    }

    /// Bytes that have come of a piece in work; 0 for any other.
    pub fn received_bytes(&self, piece: PieceIndex) -> u64 {
        let Some(partial) = self.pool.get(piece) else {
            return 0;
        };
        if partial.received() == partial.blocks() {
            return u64::from(self.geometry.length_of(piece));
        }
        let received = (0..partial.blocks()).filter(|block| partial.is_received(*block));
        let ranges = received.filter_map(|block| self.geometry.block(piece, block));
        ranges.map(|range| u64::from(range.length)).sum()
    }

    /// Pieces in work, oldest first.
    pub fn in_work(&self) -> impl Iterator<Item = PieceIndex> + '_ {
        self.pool.by_age().map(|(piece, _)| piece)
    }

    /// One request is void (rejected, timed out, cancelled): the block is free again unless someone else owes it.
    /// False when it was not requested from this peer. The block is still accepted should it come after all.
    pub fn release(&mut self, peer: ConnId, range: BlockRange) -> bool {
        let Some(block) = self.geometry.block_number(range) else {
            return false;
        };
        let key = (range.piece, block);
        let released = self.release_key(peer, key);
        if released {
            self.freed();
        }
        released
    }

    /// All requests to a peer are void (it choked us without the Fast extension, or left).
    pub fn release_all(&mut self, peer: ConnId) -> Vec<BlockRange> {
        let Some(state) = self.peers.get(&peer) else {
            return Vec::new();
        };
        let keys: Vec<BlockKey> = state.requested.iter().copied().collect();
        for key in &keys {
            self.release_key(peer, *key);
        }
        if !keys.is_empty() {
            self.freed();
        }
        keys.iter()
            .filter_map(|(piece, block)| self.geometry.block(*piece, *block))
            .collect()
    }

    /// A block has arrived. It is matched with the requests to this peer, also with those that were taken back.
    pub fn received(&mut self, peer: ConnId, range: BlockRange) -> Receipt {
        let Some(block) = self.geometry.block_number(range) else {
            return Receipt::NotRequested;
        };
        let key = (range.piece, block);
        let Some(state) = self.peers.get_mut(&peer) else {
            return Receipt::NotRequested;
        };
        if state.requested.remove(&key) {
            return self.accept(peer, key);
        }
        let Some(place) = state.late.iter().position(|late| *late == key) else {
            return Receipt::NotRequested;
        };
        state.late.remove(place);
        if self.is_needed_from(peer, key) {
            self.accept(peer, key)
        } else {
            Receipt::Duplicate
        }
    }

    /// Whether a block that comes late is still missing. One for a piece that somebody on parole fetches alone is
    /// not taken: it would make a second suspect of that piece.
    fn is_needed_from(&self, peer: ConnId, (piece, block): BlockKey) -> bool {
        self.missing.contains(piece)
            && self.pool.get(piece).is_none_or(|partial| {
                !partial.is_received(block) && partial.exclusive.is_none_or(|owner| owner == peer)
            })
    }

    fn accept(&mut self, peer: ConnId, (piece, block): BlockKey) -> Receipt {
        if self.pool.get(piece).is_none() {
            self.open_piece(piece);
        }
        let requesters = self
            .pool
            .update(piece, |partial| partial.receive(block))
            .unwrap_or_default();
        let late_max = self.config.late_requests_max;
        let mut cancel = SmallVec::new();
        for other in requesters.into_iter().filter(|other| *other != peer) {
            if let Some(state) = self.peers.get_mut(&other) {
                state.forget_request((piece, block), late_max);
            }
            cancel.push(other);
        }
        let (free, busy) = self
            .pool
            .get(piece)
            .map_or((0, 0), |partial| (partial.free(), partial.busy()));
        if busy == 0 && free > 0 {
            // a peer on parole may take the piece over now
            self.epoch += 1;
        }
        self.settle();
        Receipt::New {
            piece_complete: free + busy == 0,
            cancel,
        }
    }

    /// Takes a request back without telling idle peers; [`Picker::freed`] has to follow.
    fn release_key(&mut self, peer: ConnId, key: BlockKey) -> bool {
        let late_max = self.config.late_requests_max;
        let removed = self
            .peers
            .get_mut(&peer)
            .is_some_and(|state| state.forget_request(key, late_max));
        if !removed {
            return false;
        }
        let (piece, block) = key;
        self.pool.update(piece, |partial| {
            partial.release(block, peer);
            if partial.exclusive == Some(peer) {
                // it had its chance to fetch the piece alone; the piece must not wait for it
                partial.exclusive = None;
            }
        });
        if self.pool.is_untouched(piece) {
            self.pool.remove(piece);
            self.availability.open(piece, &mut self.rng);
        }
        true
    }
}
