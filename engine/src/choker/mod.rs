//! Whom to unchoke (protocol.md §10, BEP 3 "Choking and optimistic unchoking").

mod reason;

pub use reason::ChokeReason;

use crate::config::ChokerConfig;
use crate::id::ConnId;
use crate::rng::Rng;
use crate::time::Instant;
use alloc::vec::Vec;

/// What a round needs to know of one peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PeerState {
    /// The peer.
    pub key: ConnId,
    /// It is interested in us.
    pub interested: bool,
    /// We do not choke it.
    pub unchoked: bool,
    /// Payload bytes a second that it sends us.
    pub rate_from: u64,
    /// Payload bytes a second that we send it.
    pub rate_to: u64,
    /// It owes us blocks for too long.
    pub snubbed: bool,
    /// When the connection was established.
    pub connected_at: Instant,
    /// When its last block came.
    pub last_block_from: Option<Instant>,
    /// Payload bytes sent to it since it was unchoked last.
    pub uploaded_this_unchoke: u64,
    /// Since when it is unchoked.
    pub unchoked_since: Option<Instant>,
    /// When we choked or unchoked it last.
    pub last_change: Option<Instant>,
    /// It has every piece.
    pub is_seed: bool,
}

/// Choke or unchoke one peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decision {
    /// The peer.
    pub peer: ConnId,
    /// Unchoke it; else choke it.
    pub unchoke: bool,
    /// Why.
    pub reason: ChokeReason,
}

/// Decides in rounds.
#[derive(Clone, Debug)]
pub struct Choker {
    config: ChokerConfig,
    #[allow(dead_code)]
    rng: Rng,
    optimistic: Vec<ConnId>,
}

#[allow(unused_variables, missing_docs)]
impl Choker {
    pub fn new(config: ChokerConfig, rng: Rng) -> Self {
        Self {
            config,
            rng,
            optimistic: Vec::new(),
        }
    }
    pub fn set_slots(&mut self, slots: u32) {
        self.config.slots = slots;
    }
    pub fn set_piece_length(&mut self, bytes: u32) {}
    pub fn handle_timeout(&mut self, now: Instant, seeding: bool, peers: &[PeerState]) -> Vec<Decision> {
        Vec::new()
    }
    pub fn peer_left(&mut self, peer: ConnId) {}
    pub fn peer_became_interested(&mut self, now: Instant, peer: ConnId) {}
    pub fn deadline(&self) -> Option<Instant> {
        None
    }
    pub fn optimistic(&self) -> &[ConnId] {
        &self.optimistic
    }
    /// The reason of a peer's present state, from the last pass.
    pub fn why(&self, peer: ConnId) -> Option<ChokeReason> {
        None
    }
}
