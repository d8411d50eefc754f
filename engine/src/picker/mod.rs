//! Which block to ask which peer for (protocol.md §9; BEP 3 "Downloading", BEP 6 for allowed fast and suggestions).
//!
//! The picker knows who has which pieces, which blocks are requested from whom and which pieces are had. It knows no
//! message, no time and no connection: a peer is a key.
//!
//! Order of choice: the piece the peer works on, other partial pieces, suggested pieces, the first few pieces at
//! random, then rarest first with ties in seeded order. When every wanted block is received or requested, a peer with
//! an empty queue may race others for one busy block (end-game).
//!
//! Invariants:
//! - `missing` = wanted and not had; each missing piece is either open (in `availability`'s levels) or partial (in
//!   `pool`), and no other piece is.
//! - A block is requested from a peer exactly when it is in that peer's `requested`.
//! - `watch` holds `(w, p)` exactly when peer `p`'s witness of interest is the missing piece `w`.
//! - Work a block does not grow with the number of pieces or peers; work a piece grows with the logarithm of either.

mod availability;
mod blocks;
mod endgame;
mod explain;
mod peers;
mod pick;
mod recount;
mod requests;
mod sets;
#[cfg(test)]
mod tests;
mod wishes;

pub use explain::{IdleReason, Pick, PickReason, PieceState};
pub use peers::Touched;

use crate::bitfield::Bitfield;
use crate::config::PickerConfig;
use crate::geometry::{BlockRange, Geometry};
use crate::id::{ConnId, PieceIndex};
use crate::rng::Rng;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use availability::Availability;
use blocks::Pool;
use peers::Peer;
use serde::{Deserialize, Serialize};
use sets::{GroupedSet, Probes};
use smallvec::SmallVec;
use wishes::Wishes;

/// What a peer may be given. The default is an ordinary unchoked peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PickMode<'a> {
    /// The peer chokes us: only these pieces (BEP 6, allowed fast), as far as it has them.
    pub allowed: Option<&'a [PieceIndex]>,
    /// The peer is slow to answer: its own piece, else common ones, and no races in end-game.
    pub snubbed: bool,
    /// The peer is on parole: whole pieces that nobody else contributes to.
    pub exclusive: bool,
    /// The peer fetches a whole piece soon (in 20 s at most [libtorrent]): give it whole pieces.
    pub fast: bool,
    /// Blocks that it may race others for at a time in end-game; one, if this is less.
    pub races: usize,
}

/// What an arrived block is worth.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Receipt {
    /// Needed and requested.
    New {
        /// Whether it was the last missing block of its piece.
        piece_complete: bool,
        /// Others that the block was requested from; it is no longer outstanding there, and they are to be sent
        /// `cancel`.
        cancel: SmallVec<[ConnId; 4]>,
    },
    /// Requested from this peer at some time, but no longer needed: waste, no fault.
    Duplicate,
    /// Never requested from this peer. BEP 6: with the Fast extension the connection must be closed.
    NotRequested,
}

/// Which free blocks are left. Peers that found nothing look again when it changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Phase {
    /// Blocks are free for everyone.
    Shared,
    /// The only free blocks are in pieces that peers on parole fetch alone.
    OnlyHeld,
    /// No wanted block is free.
    Endgame,
}

/// Chooses blocks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Picker {
    geometry: Geometry,
    config: PickerConfig,
    rng: Rng,
    have: Bitfield,
    wanted: Bitfield,
    missing: GroupedSet,
    /// The sets that [`Picker::peer_set`] lends for peers that have nothing or everything.
    none: Bitfield,
    all: Bitfield,
    availability: Availability,
    pool: Pool,
    peers: BTreeMap<ConnId, Peer>,
    watch: BTreeSet<(PieceIndex, ConnId)>,
    phase: Phase,
    /// Counts the events after which a peer that found nothing may find something.
    epoch: u64,
    /// Whether one came after which every peer may. It is asked for at the end of each step, so it is no part of a checkpoint.
    #[serde(skip)]
    freed: bool,
    probes: Probes,
    wishes: Wishes,
}

impl Picker {
    /// Nothing had, everything wanted, no peers.
    pub fn new(geometry: Geometry, config: PickerConfig, mut rng: Rng) -> Self {
        let pieces = geometry.pieces();
        let mut availability = Availability::new(pieces);
        for piece in geometry.piece_indices() {
            availability.open(piece, &mut rng);
        }
        Self {
            geometry,
            config,
            rng,
            have: Bitfield::new(pieces),
            wanted: Bitfield::full(pieces),
            missing: GroupedSet::from_set(Bitfield::full(pieces)),
            none: Bitfield::new(pieces),
            all: Bitfield::full(pieces),
            availability,
            pool: Pool::default(),
            peers: BTreeMap::new(),
            watch: BTreeSet::new(),
            phase: Phase::Shared,
            epoch: 0,
            freed: false,
            probes: Probes::default(),
            wishes: Wishes::new(pieces),
        }
    }

    /// Changes which pieces the user wants. Blocks of pieces that are no longer wanted are forgotten; returns the
    /// requests that are void by that, for `cancel`. Walks all pieces.
    pub fn set_wanted(&mut self, wanted: &Bitfield) -> Vec<(ConnId, BlockRange)> {
        let mut void = Vec::new();
        for piece in self.geometry.piece_indices() {
            if wanted.contains(piece) {
                self.wanted.insert(piece);
            } else {
                self.wanted.remove(piece);
            }
            let missing = wanted.contains(piece) && !self.have.contains(piece);
            if missing && self.missing.insert(piece) {
                self.availability.open(piece, &mut self.rng);
            } else if !missing && self.missing.remove(piece) {
                self.availability.close(piece);
                self.drop_partial(piece, &mut void);
            }
        }
        let peers: Vec<ConnId> = self.peers.keys().copied().collect();
        for peer in peers {
            self.find_witness(peer, PieceIndex(0));
        }
        self.freed();
        void
    }

    /// The pieces that are had: verified, on disk.
    pub fn have(&self) -> &Bitfield {
        &self.have
    }

    /// The pieces that are wanted.
    pub const fn wanted(&self) -> &Bitfield {
        &self.wanted
    }

    /// The wanted pieces that are not had.
    pub fn missing(&self) -> &Bitfield {
        self.missing.set()
    }

    /// How many wanted pieces are not had.
    pub fn wanted_left(&self) -> u32 {
        self.missing.set().count()
    }

    /// Whether all wanted pieces are had.
    pub fn is_complete(&self) -> bool {
        self.missing.set().is_empty()
    }

    /// The piece is verified and on disk, from whatever source. Requests for its blocks are void.
    pub fn mark_have(&mut self, piece: PieceIndex) {
        if !self.geometry.contains(piece) || !self.have.insert(piece) {
            return;
        }
        self.wishes.needs_no_more(piece);
        if self.missing.remove(piece) {
            self.availability.close(piece);
            self.drop_partial(piece, &mut Vec::new());
            let first = (piece, ConnId::dialled(0));
            let watchers: Vec<ConnId> = self
                .watch
                .range(first..)
                .take_while(|(watched, _)| *watched == piece)
                .map(|(_, peer)| *peer)
                .collect();
            for peer in watchers {
                self.find_witness(peer, piece);
            }
            self.settle();
        }
    }

    /// The piece turned out not to be on disk: it is missing again, if it is wanted.
    pub fn clear_have(&mut self, piece: PieceIndex) {
        if !self.have.remove(piece) || !self.wanted.contains(piece) {
            return;
        }
        self.missing.insert(piece);
        self.wishes.lacks(piece);
        self.availability.open(piece, &mut self.rng);
        let without: Vec<ConnId> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.witness.is_none())
            .map(|(id, _)| *id)
            .collect();
        for peer in without {
            self.find_witness(peer, piece);
        }
        self.freed();
    }

    /// The hash is right: the piece is had.
    pub fn piece_verified(&mut self, piece: PieceIndex) {
        self.mark_have(piece);
    }

    /// The hash is wrong: all blocks are free again.
    pub fn piece_failed(&mut self, piece: PieceIndex) {
        if self.pool.get(piece).is_some() {
            self.drop_partial(piece, &mut Vec::new());
            self.availability.open(piece, &mut self.rng);
            self.freed();
        }
    }

    /// Peers that have the piece, seeds included.
    pub fn availability(&self, piece: PieceIndex) -> u32 {
        self.availability.of(piece)
    }

    /// Whether end-game is on: pieces are missing, and every block of them is requested or received.
    pub fn is_endgame(&self) -> bool {
        self.phase == Phase::Endgame && !self.is_complete()
    }

    /// Whether peers that found nothing may find something, since this was last asked.
    pub const fn take_freed(&mut self) -> bool {
        core::mem::replace(&mut self.freed, false)
    }

    /// Takes a piece out of the pool; its requests are void.
    fn drop_partial(&mut self, piece: PieceIndex, void: &mut Vec<(ConnId, BlockRange)>) {
        let Some(partial) = self.pool.remove(piece) else {
            return;
        };
        let limit = self.config.late_requests_max;
        for (block, requesters) in partial.busy_blocks() {
            for id in requesters {
                if let Some(peer) = self.peers.get_mut(id) {
                    peer.forget_request((piece, block), limit);
                }
                if let Some(range) = self.geometry.block(piece, block) {
                    void.push((*id, range));
                }
            }
        }
    }

    /// Something became pickable.
    fn freed(&mut self) {
        self.epoch += 1;
        self.freed = true;
        self.settle();
    }

    /// Looks whether the phase changed, after which idle peers may have something to do.
    fn settle(&mut self) {
        let phase = if !self.availability.none_open() || self.pool.shared().next().is_some() {
            Phase::Shared
        } else if self.pool.held().next().is_some() {
            Phase::OnlyHeld
        } else {
            Phase::Endgame
        };
        if phase != self.phase {
            self.phase = phase;
            self.epoch += 1;
            self.freed = true;
        }
    }
}
