//! Whom to unchoke (protocol.md §10; BEP 3 "Choking and Optimistic Unchoking").
//!
//! Decisions fall in rounds. The choker keeps only who is optimistic and when the next pass is due; everything else is
//! handed in, so that a round is a function of the peers, and its order one of their numbers and keys alone.
//!
//! Invariants: after a pass without recent changes, interested unchoked peers are at most the slots; a seed is never
//! unchoked; a peer is not changed twice within `change_min`; no deadline while nobody is interested or unchoked.

mod reason;
mod select;
#[cfg(test)]
mod tests;

pub use reason::ChokeReason;

use crate::config::{ChokerConfig, SeedPolicy};
use crate::id::ConnId;
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

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

/// Choke or unchoke one peer. There is none for a peer that stays as it is.
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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Choker {
    config: ChokerConfig,
    rng: Rng,
    /// Sorted by key.
    optimistic: Vec<ConnId>,
    /// Rounds until other peers become optimistic.
    rotate_in: u32,
    piece_length: u32,
    next_round: Option<Instant>,
    /// A slot may be empty: fill it then, without waiting for the round.
    fill_at: Option<Instant>,
    last_pass: Option<Instant>,
    /// The latest time that was told.
    now: Instant,
    reasons: BTreeMap<ConnId, ChokeReason>,
}

/// Assumed until [`Choker::set_piece_length`]: the most usual length on real swarms.
const PIECE_LENGTH_DEFAULT: u32 = 256 * 1024;

impl Choker {
    /// No peers, no deadline.
    pub fn new(config: ChokerConfig, rng: Rng) -> Self {
        Self {
            config,
            rng,
            optimistic: Vec::new(),
            rotate_in: 0,
            piece_length: PIECE_LENGTH_DEFAULT,
            next_round: None,
            fill_at: None,
            last_pass: None,
            now: Instant::START,
            reasons: BTreeMap::new(),
        }
    }

    /// Changes how many peers are unchoked at a time (optimistic ones included); takes effect at once.
    pub fn set_slots(&mut self, slots: u32) {
        if core::mem::replace(&mut self.config.slots, slots) != slots && self.next_round.is_some() {
            self.ask_for_pass(self.now);
        }
    }

    /// The length of a piece in bytes, by which a seed's quota is measured.
    pub fn set_piece_length(&mut self, bytes: u32) {
        self.piece_length = bytes;
    }

    /// One pass over the connected peers: a whole round when it is due, else only empty slots are filled. Returns
    /// the changes, by key. Early calls are harmless: nothing is due, nothing changes.
    pub fn handle_timeout(&mut self, now: Instant, seeding: bool, peers: &[PeerState]) -> Vec<Decision> {
        self.now = self.now.max(now);
        let round = self.next_round.is_some_and(|due| due <= now);
        let fill = self.fill_at.is_some_and(|due| due <= now);
        if !round && !fill {
            return Vec::new();
        }
        self.fill_at = None;
        self.last_pass = Some(now);
        let mut peers = peers.to_vec();
        peers.sort_unstable_by_key(|peer| peer.key);
        let in_turn = seeding && self.config.seed_policy == SeedPolicy::RoundRobin;
        let previous = core::mem::take(&mut self.reasons);
        let config = self.config.clone();
        let mut plan = select::Plan::new(&config, now, seeding, round, &peers, &previous);
        if in_turn {
            self.optimistic.clear();
            let quota = u64::from(self.piece_length) * u64::from(self.config.seed_quota_pieces);
            plan.take_turns(quota);
        } else {
            plan.keep();
            plan.by_rate(&self.optimistic);
            self.choose_optimistic(now, round, &mut plan);
        }
        let (decisions, reasons) = plan.finish();
        self.reasons = reasons;
        if round || self.next_round.is_none() {
            let busy = |peer: &PeerState| peer.interested || peer.unchoked;
            let any = peers.iter().any(busy);
            self.next_round = any.then(|| now + self.config.round);
        }
        decisions
    }

    /// Keeps, rotates and completes the optimistic peers. Slots that the regular ones leave empty are optimistic too
    /// (BEP 3: a snubbed client "frequently" has more than one).
    fn choose_optimistic(&mut self, now: Instant, round: bool, plan: &mut select::Plan<'_>) {
        if round {
            self.rotate_in = self.rotate_in.saturating_sub(1);
        }
        let rotate = round && self.rotate_in == 0;
        let old = core::mem::take(&mut self.optimistic);
        let may_stay = |key: &ConnId| plan.may_stay_optimistic(*key);
        let (mut chosen, others): (Vec<ConnId>, Vec<ConnId>) = old
            .iter()
            .copied()
            .filter(may_stay)
            .partition(|key| plan.is_chosen(*key));
        let mut fresh = plan.optimistic_candidates();
        // a peer whose time is over stays if there is nobody else
        let free = plan.free_slots();
        let stay = if rotate {
            free.saturating_sub(fresh.len())
        } else {
            free
        };
        chosen.extend(others.into_iter().take(stay));
        for key in &chosen {
            let new = plan.peer(*key).is_some_and(|peer| self.is_new(now, peer));
            plan.unchoke(*key, ChokeReason::Optimistic { new });
        }
        while plan.free_slots() > 0 && !fresh.is_empty() {
            let weight = |peer| {
                if self.is_new(now, peer) {
                    self.config.new_peer_weight
                } else {
                    1
                }
            };
            let weights: Vec<u32> = fresh.iter().map(weight).collect();
            let peer = fresh.remove(self.draw(&weights));
            let new = self.is_new(now, &peer);
            plan.unchoke(peer.key, ChokeReason::Optimistic { new });
            chosen.push(peer.key);
        }
        // nobody is choked for the sake of an empty slot
        for key in plan.unchoked_leftovers() {
            if plan.free_slots() > 0 {
                plan.unchoke(key, ChokeReason::Optimistic { new: false });
                chosen.push(key);
            }
        }
        if rotate || old.is_empty() {
            self.rotate_in = self.config.optimistic_rounds.max(1);
        }
        chosen.sort_unstable();
        self.optimistic = chosen;
    }

    fn is_new(&self, now: Instant, peer: &PeerState) -> bool {
        now.since(peer.connected_at) < self.config.new_peer_for
    }

    /// Index drawn with these weights; 0 when there are none.
    fn draw(&mut self, weights: &[u32]) -> usize {
        let mut ticket = self.rng.below(weights.iter().sum());
        for (place, weight) in weights.iter().enumerate() {
            if ticket < *weight {
                return place;
            }
            ticket -= weight;
        }
        0
    }

    /// The peer is gone; its slot may be filled at once.
    pub fn peer_left(&mut self, peer: ConnId) {
        self.optimistic.retain(|key| *key != peer);
        if self
            .reasons
            .remove(&peer)
            .is_some_and(reason::ChokeReason::is_unchoked)
            && self.next_round.is_some()
        {
            self.ask_for_pass(self.now);
        }
    }

    /// The peer wants something from us; an empty slot may be filled at once.
    pub fn peer_became_interested(&mut self, now: Instant, peer: ConnId) {
        let _ = peer;
        self.now = self.now.max(now);
        self.ask_for_pass(now);
        self.next_round.get_or_insert(now + self.config.round);
    }

    /// Asks for a pass outside the rounds, at most one in `fill_min`: a peer whose interest flaps buys no more.
    fn ask_for_pass(&mut self, now: Instant) {
        let at = match self.last_pass {
            Some(last) => now.max(last + self.config.fill_min.max(Duration::from_micros(1))),
            None => now,
        };
        self.fill_at = Some(self.fill_at.map_or(at, |due| due.min(at)));
    }

    /// When [`Choker::handle_timeout`] is due; nothing while nobody wants anything.
    pub fn deadline(&self) -> Option<Instant> {
        match (self.next_round, self.fill_at) {
            (Some(round), Some(fill)) => Some(round.min(fill)),
            (round, fill) => round.or(fill),
        }
    }

    /// The peers that are unchoked to find out what they give, by key.
    pub fn optimistic(&self) -> &[ConnId] {
        &self.optimistic
    }

    /// Why a peer is as it is, by the last pass.
    pub fn why(&self, peer: ConnId) -> Option<ChokeReason> {
        self.reasons.get(&peer).copied()
    }
}
