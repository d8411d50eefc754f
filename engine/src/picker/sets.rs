//! Sets of pieces that can be intersected without a walk over all pieces.
//!
//! Invariant: bit `g` of the summary is set exactly when one of the pieces 64·g … 64·g+63 is in the set. The common
//! pieces of two sets are found by way of the groups that both have, so that a peer with a handful of pieces costs a
//! handful of steps in a torrent of a million.

use crate::bitfield::Bitfield;
use crate::id::PieceIndex;
use alloc::vec;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Counts elementary steps in tests, where the cost of a pick is held against a bound. Nothing at all otherwise.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Probes {
    #[cfg(test)]
    count: core::cell::Cell<u64>,
}

impl Probes {
    #[allow(clippy::unused_self)]
    pub(super) fn step(&self) {
        #[cfg(test)]
        self.count.set(self.count.get() + 1);
    }

    #[cfg(test)]
    pub(super) fn take(&self) -> u64 {
        self.count.replace(0)
    }
}

/// A bitfield with a summary of its groups of 64 pieces.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct GroupedSet {
    set: Bitfield,
    /// High bit first, like the bitfield.
    summary: Vec<u64>,
}

const GROUP: u32 = 64;

impl GroupedSet {
    pub(super) fn new(pieces: u32) -> Self {
        Self {
            set: Bitfield::new(pieces),
            summary: vec![0; pieces.div_ceil(GROUP * GROUP) as usize],
        }
    }

    pub(super) fn from_set(set: Bitfield) -> Self {
        let mut grouped = Self {
            summary: vec![0; set.capacity().div_ceil(GROUP * GROUP) as usize],
            set,
        };
        for group in 0..grouped.set.capacity().div_ceil(GROUP) {
            if grouped.word(group) != 0 {
                grouped.mark(group);
            }
        }
        grouped
    }

    pub(super) fn set(&self) -> &Bitfield {
        &self.set
    }

    pub(super) fn contains(&self, piece: PieceIndex) -> bool {
        self.set.contains(piece)
    }

    /// True when the piece was not there.
    pub(super) fn insert(&mut self, piece: PieceIndex) -> bool {
        let inserted = self.set.insert(piece);
        if inserted {
            self.mark(piece.0 / GROUP);
        }
        inserted
    }

    /// True when the piece was there.
    pub(super) fn remove(&mut self, piece: PieceIndex) -> bool {
        let removed = self.set.remove(piece);
        let group = piece.0 / GROUP;
        if removed && self.word(group) == 0 {
            self.summary[(group / GROUP) as usize] &= !bit(group);
        }
        removed
    }

    /// The first piece from `from` on that is in both sets.
    pub(super) fn next_common(&self, other: &Self, from: PieceIndex, probes: &Probes) -> Option<PieceIndex> {
        if from.0 >= self.set.capacity() {
            return None;
        }
        let first = from.0 / GROUP;
        let common = |group: u32, mask: u64| -> Option<PieceIndex> {
            probes.step();
            let pieces = self.word(group) & other.word(group) & mask;
            (pieces != 0).then(|| PieceIndex(group * GROUP + pieces.leading_zeros()))
        };
        if let found @ Some(_) = common(first, u64::MAX >> (from.0 % GROUP)) {
            return found;
        }
        let rest = first + 1;
        let mut mask = u64::MAX >> (rest % GROUP);
        let start = (rest / GROUP) as usize;
        let summaries = self.summary.iter().zip(&other.summary).enumerate().skip(start);
        for (n, (mine, others)) in summaries {
            probes.step();
            let mut groups = mine & others & mask;
            mask = u64::MAX;
            while groups != 0 {
                let lead = groups.leading_zeros();
                groups &= !(1 << (GROUP - 1 - lead));
                if let found @ Some(_) = common(n as u32 * GROUP + lead, u64::MAX) {
                    return found;
                }
            }
        }
        None
    }

    /// The first common piece from `from` on, going round the end.
    pub(super) fn next_common_round(
        &self,
        other: &Self,
        from: PieceIndex,
        probes: &Probes,
    ) -> Option<PieceIndex> {
        self.next_common(other, from, probes)
            .or_else(|| self.next_common(other, PieceIndex(0), probes))
    }

    fn mark(&mut self, group: u32) {
        self.summary[(group / GROUP) as usize] |= bit(group);
    }

    /// The pieces of a group, the first one in the high bit.
    fn word(&self, group: u32) -> u64 {
        let start = group as usize * 8;
        let bytes = self.set.as_wire();
        let bytes = bytes.get(start..bytes.len().min(start + 8)).unwrap_or(&[]);
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_be_bytes(word)
    }
}

const fn bit(group: u32) -> u64 {
    1 << (GROUP - 1 - group % GROUP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn common_pieces_are_those_of_a_plain_intersection() {
        let mut rng = Rng::from_seed([3; 32]);
        let probes = Probes::default();
        for round in 0..60u32 {
            let pieces = 1 + rng.below(20_000);
            let (mut a, mut b) = (GroupedSet::new(pieces), Bitfield::new(pieces));
            for _ in 0..rng.below(400) {
                a.insert(PieceIndex(rng.below(pieces)));
                // near each other, so that some meet
                b.insert(PieceIndex(rng.below(1 + pieces / (1 + round))));
                if rng.chance(1, 3) {
                    a.remove(PieceIndex(rng.below(pieces)));
                }
            }
            let b = GroupedSet::from_set(b);
            let expected: Vec<PieceIndex> = a.set().iter().filter(|piece| b.contains(*piece)).collect();
            let mut found = Vec::new();
            let mut from = PieceIndex(0);
            while let Some(piece) = a.next_common(&b, from, &probes) {
                found.push(piece);
                from = PieceIndex(piece.0 + 1);
            }
            assert_eq!(found, expected, "{pieces} pieces");
        }
    }

    #[test]
    fn what_is_removed_hides_no_other_piece_of_its_group() {
        let probes = Probes::default();
        let all = GroupedSet::from_set(Bitfield::full(1_000));
        let mut few = GroupedSet::new(1_000);
        for piece in [700, 701] {
            few.insert(PieceIndex(piece));
        }
        assert!(few.remove(PieceIndex(700)));
        assert!(!few.remove(PieceIndex(700)));
        let first = few.next_common(&all, PieceIndex(0), &probes);
        assert_eq!(first, Some(PieceIndex(701)));
    }

    #[test]
    fn groups_that_became_empty_are_not_searched() {
        let probes = Probes::default();
        let all = GroupedSet::from_set(Bitfield::full(100_000));
        let mut emptied = all.clone();
        for piece in 0..99_999 {
            emptied.remove(PieceIndex(piece));
        }
        let last = emptied.next_common(&all, PieceIndex(0), &probes);
        assert_eq!(last, Some(PieceIndex(99_999)));
        assert!(probes.take() < 100);
    }

    #[test]
    fn a_sparse_set_is_searched_in_few_steps() {
        let probes = Probes::default();
        let all = GroupedSet::from_set(Bitfield::full(1_000_000));
        let mut few = GroupedSet::new(1_000_000);
        few.insert(PieceIndex(999_999));
        assert_eq!(
            few.next_common(&all, PieceIndex(1), &probes),
            Some(PieceIndex(999_999))
        );
        assert!(probes.take() < 300);
    }
}
