//! Which block to ask which peer for (protocol.md §9).

mod explain;

pub use explain::{IdleReason, Pick, PickReason, PieceState};

use crate::bitfield::Bitfield;
use crate::config::PickerConfig;
use crate::geometry::{BlockRange, Geometry};
use crate::id::{ConnId, PieceIndex};
use crate::rng::Rng;
use alloc::vec::Vec;
use smallvec::SmallVec;

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

/// Chooses blocks.
#[derive(Clone, Debug)]
pub struct Picker {
    geometry: Geometry,
    have: Bitfield,
    #[allow(dead_code)]
    config: PickerConfig,
    #[allow(dead_code)]
    rng: Rng,
}

#[allow(unused_variables, missing_docs, clippy::missing_const_for_fn)]
impl Picker {
    pub fn new(geometry: Geometry, config: PickerConfig, rng: Rng) -> Self {
        Self {
            geometry,
            have: Bitfield::new(geometry.pieces()),
            config,
            rng,
        }
    }
    pub fn set_wanted(&mut self, wanted: &Bitfield) -> Vec<(ConnId, BlockRange)> {
        Vec::new()
    }
    pub fn have(&self) -> &Bitfield {
        &self.have
    }
    pub fn wanted_left(&self) -> u32 {
        self.geometry.pieces() - self.have.count()
    }
    pub fn is_complete(&self) -> bool {
        self.have.is_full()
    }
    pub fn mark_have(&mut self, piece: PieceIndex) {
        self.have.insert(piece);
    }
    pub fn clear_have(&mut self, piece: PieceIndex) {
        self.have.remove(piece);
    }
    pub fn peer_joined(&mut self, peer: ConnId) {}
    pub fn peer_left(&mut self, peer: ConnId) -> Vec<BlockRange> {
        Vec::new()
    }
    pub fn peer_has(&mut self, peer: ConnId, piece: PieceIndex) {}
    pub fn peer_has_set(&mut self, peer: ConnId, set: Bitfield) {}
    pub fn peer_has_all(&mut self, peer: ConnId) {}
    pub fn peer_has_none(&mut self, peer: ConnId) {}
    pub fn peer_suggests(&mut self, peer: ConnId, piece: PieceIndex) {}
    pub fn peer_set(&self, peer: ConnId) -> Option<&Bitfield> {
        None
    }
    pub fn peer_is_seed(&self, peer: ConnId) -> bool {
        false
    }
    pub fn interesting(&self, peer: ConnId) -> bool {
        false
    }
    pub fn availability(&self, piece: PieceIndex) -> u32 {
        0
    }
    pub fn pick(&mut self, peer: ConnId, n: usize, how: PickMode<'_>, out: &mut Vec<Pick>) {}
    pub fn requested_by(&self, peer: ConnId) -> impl Iterator<Item = BlockRange> + '_ {
        core::iter::empty()
    }
    pub fn outstanding(&self, peer: ConnId) -> usize {
        0
    }
    pub fn release(&mut self, peer: ConnId, range: BlockRange) -> bool {
        false
    }
    pub fn release_all(&mut self, peer: ConnId) -> Vec<BlockRange> {
        Vec::new()
    }
    pub fn received(&mut self, peer: ConnId, range: BlockRange) -> Receipt {
        Receipt::NotRequested
    }
    pub fn piece_failed(&mut self, piece: PieceIndex) {}
    pub fn piece_verified(&mut self, piece: PieceIndex) {}
    pub fn is_endgame(&self) -> bool {
        false
    }
}
