//! Blocks of the pieces in work. Only partial pieces have block states; an open or a finished piece has none.
//!
//! Invariants: a block is free, or busy (requested from at least one peer), or received; a partial piece has at least
//! one block that is busy or received, else it would be open; a piece is in `shared` or in `held` exactly when it
//! has a free block, in `held` when a peer on parole fetches it alone.

use crate::id::{ConnId, PieceIndex};
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// A set of block numbers of one piece.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct BlockSet {
    words: SmallVec<[u64; 1]>,
    count: u32,
}

impl BlockSet {
    fn new(blocks: u32) -> Self {
        Self {
            words: SmallVec::from_elem(0, blocks.div_ceil(64) as usize),
            count: 0,
        }
    }

    fn insert(&mut self, block: u32) {
        let word = &mut self.words[(block / 64) as usize];
        self.count += u32::from(*word & (1 << (block % 64)) == 0);
        *word |= 1 << (block % 64);
    }

    fn remove(&mut self, block: u32) {
        let word = &mut self.words[(block / 64) as usize];
        self.count -= u32::from(*word & (1 << (block % 64)) != 0);
        *word &= !(1 << (block % 64));
    }

    fn contains(&self, block: u32) -> bool {
        self.words
            .get((block / 64) as usize)
            .is_some_and(|word| word & (1 << (block % 64)) != 0)
    }

    fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().enumerate().flat_map(|(n, word)| {
            let mut rest = *word;
            core::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some(n as u32 * 64 + bit)
            })
        })
    }
}

/// A piece in work.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PartialPiece {
    /// Number of its opening; older pieces are finished first.
    serial: u64,
    blocks: u32,
    free: BlockSet,
    busy: BlockSet,
    /// Whom each block is requested from; empty for free and received blocks.
    requesters: Vec<SmallVec<[ConnId; 1]>>,
    /// The peer on parole that fetches it alone.
    pub(super) exclusive: Option<ConnId>,
}

impl PartialPiece {
    fn new(serial: u64, blocks: u32) -> Self {
        let mut free = BlockSet::new(blocks);
        (0..blocks).for_each(|block| free.insert(block));
        Self {
            serial,
            blocks,
            free,
            busy: BlockSet::new(blocks),
            requesters: vec![SmallVec::new(); blocks as usize],
            exclusive: None,
        }
    }

    pub(super) fn blocks(&self) -> u32 {
        self.blocks
    }

    pub(super) fn free(&self) -> u32 {
        self.free.count
    }

    pub(super) fn busy(&self) -> u32 {
        self.busy.count
    }

    pub(super) fn received(&self) -> u32 {
        self.blocks - self.free.count - self.busy.count
    }

    pub(super) fn is_received(&self, block: u32) -> bool {
        !self.free.contains(block) && !self.busy.contains(block)
    }

    fn is_untouched(&self) -> bool {
        self.free.count == self.blocks
    }

    pub(super) fn first_free(&self) -> Option<u32> {
        self.free.iter().next()
    }

    /// Busy blocks with the peers that they are requested from.
    pub(super) fn busy_blocks(&self) -> impl Iterator<Item = (u32, &[ConnId])> {
        self.busy
            .iter()
            .map(|block| (block, self.requesters[block as usize].as_slice()))
    }

    /// A free or busy block is requested from one more peer.
    pub(super) fn request(&mut self, block: u32, peer: ConnId) {
        let requesters = &mut self.requesters[block as usize];
        assert!(
            !requesters.contains(&peer),
            "a block is requested twice from one peer"
        );
        requesters.push(peer);
        self.free.remove(block);
        self.busy.insert(block);
    }

    /// The request to one peer is void. Whoever else was asked still owes the block.
    pub(super) fn release(&mut self, block: u32, peer: ConnId) {
        let requesters = &mut self.requesters[block as usize];
        requesters.retain(|other| *other != peer);
        if requesters.is_empty() && self.busy.contains(block) {
            self.busy.remove(block);
            self.free.insert(block);
        }
    }

    /// The block has arrived; returns whom it was requested from.
    pub(super) fn receive(&mut self, block: u32) -> SmallVec<[ConnId; 1]> {
        self.free.remove(block);
        self.busy.remove(block);
        core::mem::take(&mut self.requesters[block as usize])
    }
}

/// All pieces in work.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Pool {
    partials: BTreeMap<PieceIndex, PartialPiece>,
    /// Every partial piece by the order of its opening.
    by_age: BTreeMap<u64, PieceIndex>,
    /// Pieces with free blocks that every peer may take.
    shared: BTreeMap<u64, PieceIndex>,
    /// Pieces with free blocks that one peer on parole fetches alone.
    held: BTreeMap<u64, PieceIndex>,
    next_serial: u64,
}

impl Pool {
    pub(super) fn len(&self) -> usize {
        self.partials.len()
    }

    pub(super) fn get(&self, piece: PieceIndex) -> Option<&PartialPiece> {
        self.partials.get(&piece)
    }

    /// All partial pieces, oldest first.
    pub(super) fn by_age(&self) -> impl Iterator<Item = (PieceIndex, &PartialPiece)> {
        self.by_age
            .values()
            .filter_map(|piece| self.partials.get(piece).map(|partial| (*piece, partial)))
    }

    /// Pieces with a free block for everyone, oldest first.
    pub(super) fn shared(&self) -> impl Iterator<Item = PieceIndex> + '_ {
        self.shared.values().copied()
    }

    /// How many pieces have a free block for everyone. What is asked for as a whole is not among them: its blocks come one
    /// behind the other.
    pub(super) fn shared_len(&self) -> usize {
        self.shared.len()
    }

    /// Pieces with a free block that somebody fetches alone, oldest first.
    pub(super) fn held(&self) -> impl Iterator<Item = PieceIndex> + '_ {
        self.held.values().copied()
    }

    pub(super) fn open(&mut self, piece: PieceIndex, blocks: u32) {
        let serial = self.next_serial;
        self.next_serial += 1;
        self.by_age.insert(serial, piece);
        self.shared.insert(serial, piece);
        let fresh = self.partials.insert(piece, PartialPiece::new(serial, blocks));
        assert!(
            fresh.is_none(),
            "a piece is opened that is open for blocks already"
        );
    }

    pub(super) fn remove(&mut self, piece: PieceIndex) -> Option<PartialPiece> {
        let partial = self.partials.remove(&piece)?;
        self.by_age.remove(&partial.serial);
        self.shared.remove(&partial.serial);
        self.held.remove(&partial.serial);
        Some(partial)
    }

    /// Changes a partial piece and keeps the indices right.
    pub(super) fn update<R>(
        &mut self,
        piece: PieceIndex,
        change: impl FnOnce(&mut PartialPiece) -> R,
    ) -> Option<R> {
        let partial = self.partials.get_mut(&piece)?;
        let before = (partial.free() > 0, partial.exclusive.is_some());
        let result = change(partial);
        let after = (partial.free() > 0, partial.exclusive.is_some());
        if before != after {
            let serial = partial.serial;
            self.shared.remove(&serial);
            self.held.remove(&serial);
            match after {
                (true, false) => self.shared.insert(serial, piece),
                (true, true) => self.held.insert(serial, piece),
                (false, _) => None,
            };
        }
        Some(result)
    }

    /// Whether the piece has neither a busy nor a received block, and so is none of ours.
    pub(super) fn is_untouched(&self, piece: PieceIndex) -> bool {
        self.partials.get(&piece).is_some_and(PartialPiece::is_untouched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ConnId = ConnId::dialled(1);
    const B: ConnId = ConnId::dialled(2);

    #[test]
    fn a_block_is_free_again_only_when_nobody_owes_it() {
        let mut pool = Pool::default();
        let piece = PieceIndex(7);
        pool.open(piece, 130);
        pool.update(piece, |partial| partial.request(129, A));
        pool.update(piece, |partial| partial.request(129, B));
        pool.update(piece, |partial| partial.release(129, A));
        assert_eq!(pool.get(piece).map(|p| (p.free(), p.busy())), Some((129, 1)));
        pool.update(piece, |partial| partial.release(129, B));
        assert!(pool.is_untouched(piece));
        pool.update(piece, |partial| partial.release(129, B));
        assert_eq!(pool.get(piece).map(PartialPiece::free), Some(130));
    }

    #[test]
    fn a_piece_is_offered_while_it_has_a_free_block() {
        let mut pool = Pool::default();
        let piece = PieceIndex(0);
        pool.open(piece, 1);
        assert_eq!(pool.shared().count(), 1);
        pool.update(piece, |partial| partial.exclusive = Some(A));
        assert_eq!((pool.shared().count(), pool.held().count()), (0, 1));
        pool.update(piece, |partial| partial.request(0, A));
        assert_eq!((pool.shared().count(), pool.held().count()), (0, 0));
        pool.update(piece, |partial| (partial.release(0, A), partial.exclusive = None));
        assert_eq!((pool.shared().count(), pool.held().count()), (1, 0));
        assert!(
            pool.remove(piece).is_some() && pool.by_age().next().is_none() && pool.shared().next().is_none()
        );
    }
}
