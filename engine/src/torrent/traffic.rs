//! What came and went, and what of it still counts: stored blocks become verified, fail their hash, or are lost again.
//!
//! Invariant: the useful bytes are those of the blocks in work whose hash has not failed, and of the pieces that came
//! whole in this run and are verified, or will be when a check under way finds them right.

use super::Torrent;
use crate::bitfield::Bitfield;
use crate::id::PieceIndex;
use crate::ledger::Ledger;
use crate::rate::Rate;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What came and went in this run, in bytes and bytes a second.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Traffic {
    /// All that came, by what became of it.
    pub(super) ledger: Ledger,
    /// Pieces that came whole in this run and count as useful.
    whole: Bitfield,
    /// Pieces whose blocks count as failed while they wait to be fetched again.
    failed: BTreeSet<PieceIndex>,
    /// Payload sent.
    pub(super) uploaded: u64,
    /// Payload received that was asked for.
    pub(super) rate_down: Rate,
    pub(super) rate_up: Rate,
}

impl Traffic {
    pub(super) fn new(pieces: u32) -> Self {
        Self {
            ledger: Ledger::default(),
            whole: Bitfield::new(pieces),
            failed: BTreeSet::new(),
            uploaded: 0,
            rate_down: Rate::default(),
            rate_up: Rate::default(),
        }
    }
}

impl Traffic {
    /// The number of pieces is known from now on; what came before stays counted.
    pub(super) fn pieces_known(&mut self, pieces: u32) {
        self.whole = Bitfield::new(pieces);
    }
}

impl Torrent {
    /// A piece in work was verified.
    pub(super) fn piece_counts(&mut self, piece: PieceIndex) {
        self.traffic.whole.insert(piece);
    }

    /// A piece in work failed its hash. Its blocks are free again later, when its digests are known.
    pub(super) fn piece_is_wrong(&mut self, piece: PieceIndex) {
        let bytes = self.picker.received_bytes(piece);
        self.traffic.ledger.hash_failed(bytes);
        self.traffic.failed.insert(piece);
    }

    /// The blocks of a piece in work are about to be free again: what came of it is lost, unless it failed.
    pub(super) fn blocks_are_lost(&mut self, piece: PieceIndex) {
        if !self.traffic.failed.remove(&piece) {
            let bytes = self.picker.received_bytes(piece);
            self.traffic.ledger.lost(bytes);
        }
    }

    /// A verified piece is there no more.
    pub(super) fn piece_is_lost(&mut self, piece: PieceIndex) {
        if self.traffic.whole.remove(piece) {
            let bytes = u64::from(self.geometry.length_of(piece));
            self.traffic.ledger.lost(bytes);
        }
    }

    /// A check is about to forget all pieces in work. One that is whole may be found right; of the others the blocks
    /// are fetched again.
    pub(super) fn blocks_are_forgotten(&mut self) {
        let pieces: Vec<_> = self.picker.in_work().collect();
        for piece in pieces {
            let length = u64::from(self.geometry.length_of(piece));
            if self.picker.received_bytes(piece) == length && !self.traffic.failed.contains(&piece) {
                self.traffic.whole.insert(piece);
            } else {
                self.blocks_are_lost(piece);
            }
        }
    }

    /// A check is over: what it did not find right is lost.
    pub(super) fn check_decides(&mut self) {
        let have = self.picker.have();
        let gone = self.traffic.whole.iter().filter(|piece| !have.contains(*piece));
        let gone: Vec<_> = gone.collect();
        gone.into_iter().for_each(|piece| self.piece_is_lost(piece));
    }

    /// The useful bytes, as kept and as counted.
    pub(super) fn useful_recount(&self) -> (u64, u64) {
        let length = |piece| u64::from(self.geometry.length_of(piece));
        let whole: u64 = self.traffic.whole.iter().map(length).sum();
        let waits = |piece: &PieceIndex| !self.traffic.failed.contains(piece);
        let in_work = self.picker.in_work().filter(waits);
        let in_work: u64 = in_work.map(|piece| self.picker.received_bytes(piece)).sum();
        (self.traffic.ledger.useful, whole + in_work)
    }
}
