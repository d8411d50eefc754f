//! How many peers have each piece, and the open pieces in that order (rarest first).
//!
//! Invariants: `counts[p]` is the number of joined peers, other than those that said have-all, whose set holds `p`;
//! a piece is in exactly one level, the one of its count, when it is open, else in none; `positions[p]` is its place
//! there. Changes are swaps, and a piece enters its level at a random place: pieces of one level stand in a random
//! order that owes nothing to their index, else a swarm that begins together would fetch the same pieces.

use super::sets::GroupedSet;
use crate::id::PieceIndex;
use crate::rng::Rng;
use alloc::vec;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Not in a level.
const NOWHERE: u32 = u32::MAX;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Availability {
    /// Peers that said have-all; they hold every piece and are in no count.
    seeds: u32,
    counts: Vec<u32>,
    positions: Vec<u32>,
    levels: Vec<Vec<PieceIndex>>,
    /// Bit `n` of the words, high bit first: level `n` is not empty.
    occupied: Vec<u64>,
    /// The pieces that are in a level.
    open: GroupedSet,
}

impl Availability {
    pub(super) fn new(pieces: u32) -> Self {
        Self {
            seeds: 0,
            counts: vec![0; pieces as usize],
            positions: vec![NOWHERE; pieces as usize],
            levels: Vec::new(),
            occupied: Vec::new(),
            open: GroupedSet::new(pieces),
        }
    }

    /// Peers that have the piece; 0 when there is no such piece.
    pub(super) fn of(&self, piece: PieceIndex) -> u32 {
        self.counts
            .get(piece.as_usize())
            .map_or(0, |count| count + self.seeds)
    }

    /// Whether some peer has every piece.
    pub(super) fn has_seed(&self) -> bool {
        self.seeds > 0
    }

    pub(super) fn seed_joined(&mut self) {
        self.seeds += 1;
    }

    pub(super) fn seed_left(&mut self) {
        assert!(self.seeds > 0, "a seed leaves that never joined");
        self.seeds -= 1;
    }

    /// One more peer has this piece.
    pub(super) fn gained(&mut self, piece: PieceIndex, rng: &mut Rng) {
        self.change(piece, rng, |count| count + 1);
    }

    /// One peer less has this piece.
    pub(super) fn lost(&mut self, piece: PieceIndex, rng: &mut Rng) {
        assert!(
            self.counts[piece.as_usize()] > 0,
            "a peer loses a piece that it never had"
        );
        self.change(piece, rng, |count| count - 1);
    }

    fn change(&mut self, piece: PieceIndex, rng: &mut Rng, to: impl FnOnce(u32) -> u32) {
        let count = to(self.counts[piece.as_usize()]);
        let open = self.is_open(piece);
        if open {
            self.leave_level(piece);
        }
        self.counts[piece.as_usize()] = count;
        if open {
            self.enter_level(piece, rng);
        }
    }

    pub(super) fn open(&mut self, piece: PieceIndex, rng: &mut Rng) {
        if self.open.insert(piece) {
            self.enter_level(piece, rng);
        }
    }

    pub(super) fn close(&mut self, piece: PieceIndex) {
        if self.open.remove(piece) {
            self.leave_level(piece);
        }
    }

    pub(super) fn is_open(&self, piece: PieceIndex) -> bool {
        self.open.contains(piece)
    }

    pub(super) fn open_pieces(&self) -> &GroupedSet {
        &self.open
    }

    pub(super) fn none_open(&self) -> bool {
        self.open.set().is_empty()
    }

    /// Order among open pieces of one availability.
    pub(super) fn tie(&self, piece: PieceIndex) -> u32 {
        self.positions[piece.as_usize()]
    }

    /// Open pieces, those of the lowest availability first; ties in seeded order.
    pub(super) fn rarest_first(&self) -> impl DoubleEndedIterator<Item = PieceIndex> + '_ {
        self.occupied
            .iter()
            .enumerate()
            .filter(|(_, word)| **word != 0)
            .flat_map(|(n, word)| {
                (0..64)
                    .filter(move |bit| word & mask(*bit) != 0)
                    .map(move |bit| n * 64 + bit)
            })
            .flat_map(|level| self.levels[level].iter().copied())
    }

    fn enter_level(&mut self, piece: PieceIndex, rng: &mut Rng) {
        let level = self.counts[piece.as_usize()] as usize;
        if level >= self.levels.len() {
            self.levels.resize(level + 1, Vec::new());
            self.occupied.resize(level / 64 + 1, 0);
        }
        self.occupied[level / 64] |= mask(level % 64);
        let pieces = &mut self.levels[level];
        let last = pieces.len() as u32;
        pieces.push(piece);
        let place = rng.below(last + 1);
        pieces.swap(place as usize, last as usize);
        self.positions[pieces[last as usize].as_usize()] = last;
        self.positions[piece.as_usize()] = place;
    }

    fn leave_level(&mut self, piece: PieceIndex) {
        let level = self.counts[piece.as_usize()] as usize;
        let place = core::mem::replace(&mut self.positions[piece.as_usize()], NOWHERE);
        let pieces = &mut self.levels[level];
        pieces.swap_remove(place as usize);
        if let Some(moved) = pieces.get(place as usize) {
            self.positions[moved.as_usize()] = place;
        }
        if pieces.is_empty() {
            *pieces = Vec::new();
            self.occupied[level / 64] &= !mask(level % 64);
        }
    }
}

const fn mask(bit: usize) -> u64 {
    1 << (63 - bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_stand_by_availability_and_ties_not_by_index() {
        let mut rng = Rng::from_seed([5; 32]);
        let mut pieces = Availability::new(300);
        for n in 0..300 {
            pieces.open(PieceIndex(n), &mut rng);
        }
        for n in 0..300u32 {
            for _ in 0..n % 3 {
                pieces.gained(PieceIndex(n), &mut rng);
            }
        }
        let order: Vec<u32> = pieces.rarest_first().map(|piece| piece.0).collect();
        assert_eq!(order.len(), 300);
        assert!(order.is_sorted_by_key(|n| n % 3));
        assert!(!order[..100].is_sorted() && !order[..100].is_sorted_by(|a, b| a > b));
        let commonest = pieces.rarest_first().next_back().unwrap();
        assert_eq!(pieces.of(commonest), 2);
        pieces.close(commonest);
        assert_eq!(pieces.rarest_first().count(), 299);
    }

    #[test]
    fn many_levels_are_kept_apart() {
        let mut rng = Rng::from_seed([6; 32]);
        let mut pieces = Availability::new(200);
        for n in 0..200u32 {
            for _ in 0..n {
                pieces.gained(PieceIndex(n), &mut rng);
            }
            pieces.open(PieceIndex(n), &mut rng);
        }
        assert!(pieces.rarest_first().map(|piece| piece.0).eq(0..200));
        pieces.lost(PieceIndex(199), &mut rng);
        pieces.lost(PieceIndex(199), &mut rng);
        assert_eq!(pieces.rarest_first().last(), Some(PieceIndex(198)));
    }
}
