//! One pass: who gets which slot, by numbers and keys only.
//!
//! A peer that was changed less than `change_min` ago is locked: it stays as it is, and if it is unchoked and
//! interested, it takes a slot away from the others. Outside a round nobody loses a slot unless there are too few.

use super::{ChokeReason, Decision, PeerState};
use crate::config::ChokerConfig;
use crate::id::ConnId;
use crate::time::Instant;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cmp::Reverse;

/// A pass in the making.
pub(super) struct Plan<'a> {
    config: &'a ChokerConfig,
    now: Instant,
    seeding: bool,
    /// A whole round; else peers with a slot keep it.
    round: bool,
    /// Sorted by key.
    peers: &'a [PeerState],
    unchoked: BTreeMap<ConnId, ChokeReason>,
    /// Interested peers in `unchoked`: the slots in use.
    used: usize,
    /// Rate of the slowest regular peer.
    slowest: u64,
    /// The reasons of the last pass.
    previous: &'a BTreeMap<ConnId, ChokeReason>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(
        config: &'a ChokerConfig,
        now: Instant,
        seeding: bool,
        round: bool,
        peers: &'a [PeerState],
        previous: &'a BTreeMap<ConnId, ChokeReason>,
    ) -> Self {
        Self {
            config,
            now,
            seeding,
            round,
            peers,
            unchoked: BTreeMap::new(),
            used: 0,
            slowest: 0,
            previous,
        }
    }

    fn slots(&self) -> usize {
        self.config.slots as usize
    }

    /// Slots that are given by rate: all but the optimistic ones, which are a share but at least one.
    fn regular_slots(&self) -> usize {
        let optimistic =
            (u64::from(self.config.slots) * u64::from(self.config.optimistic_percent) / 100).max(1);
        self.slots().saturating_sub(optimistic as usize)
    }

    pub(super) fn free_slots(&self) -> usize {
        self.slots().saturating_sub(self.used)
    }

    pub(super) fn peer(&self, key: ConnId) -> Option<&'a PeerState> {
        let place = self.peers.binary_search_by_key(&key, |peer| peer.key).ok()?;
        self.peers.get(place)
    }

    fn locked(&self, peer: &PeerState) -> bool {
        peer.last_change
            .is_some_and(|changed| self.now.since(changed) < self.config.change_min)
    }

    /// Whether we serve the peer and get nothing for it (anti-snubbing; BEP 3).
    fn snubs(&self, peer: &PeerState) -> bool {
        let served_since = peer.unchoked_since.filter(|_| peer.unchoked);
        let silent_since =
            served_since.map(|since| peer.last_block_from.map_or(since, |block| block.max(since)));
        peer.snubbed || silent_since.is_some_and(|since| self.now.since(since) >= self.config.snub_after)
    }

    fn rate(&self, peer: &PeerState) -> u64 {
        if self.seeding {
            peer.rate_to
        } else {
            peer.rate_from
        }
    }

    pub(super) fn unchoke(&mut self, key: ConnId, reason: ChokeReason) {
        let interested = self.peer(key).is_some_and(|peer| peer.interested);
        if self.unchoked.insert(key, reason).is_none() && interested {
            self.used += 1;
        }
    }

    /// Peers that keep their slot whatever the others do: in a round those changed too short ago, else all that
    /// have one. If the slots became fewer, or a peer that was unchoked without one became interested, the slowest
    /// lose theirs.
    pub(super) fn keep(&mut self) {
        let mut holders: Vec<&PeerState> = self
            .peers
            .iter()
            .filter(|peer| peer.unchoked && peer.interested && !peer.is_seed)
            .filter(|peer| !self.round || self.locked(peer))
            .collect();
        holders.sort_by_key(|peer| {
            (
                !self.locked(peer),
                Reverse(self.rate(peer)),
                peer.last_change,
                peer.key,
            )
        });
        for peer in holders {
            if self.locked(peer) || self.free_slots() > 0 {
                let reason = self.previous.get(&peer.key).copied();
                let reason = reason.filter(|reason| reason.is_unchoked());
                self.unchoke(peer.key, reason.unwrap_or(ChokeReason::KeptUnchoked));
            }
        }
    }

    /// Regular slots by the rate that counts: what a peer gives us, or takes from a seed.
    pub(super) fn by_rate(&mut self, optimistic: &[ConnId]) {
        let mut ranked: Vec<&PeerState> = self
            .peers
            .iter()
            .filter(|peer| !peer.is_seed && (self.seeding || !self.snubs(peer)))
            .filter(|peer| peer.unchoked || !self.locked(peer))
            .collect();
        // equals: who has a slot keeps it, then who waits longest; the key makes the order total
        ranked.sort_by_key(|peer| {
            (
                Reverse(self.rate(peer)),
                !peer.unchoked,
                peer.last_change,
                peer.key,
            )
        });
        let last = ranked.iter().rposition(|peer| peer.interested);
        ranked.truncate(last.map_or(0, |place| place + 1));
        let is_regular = |key: &&ConnId| !optimistic.contains(*key);
        let mut taken = if self.round {
            0
        } else {
            self.unchoked.keys().filter(is_regular).count()
        };
        let mut rank = 0;
        for peer in ranked {
            if taken >= self.regular_slots() {
                break;
            }
            let rate = self.rate(peer);
            let kept = self.unchoked.contains_key(&peer.key);
            if !peer.interested {
                if rate > 0 && !self.seeding {
                    self.unchoke(peer.key, ChokeReason::FastUninterested { rate });
                }
                continue;
            }
            rank += 1;
            if (kept && self.round) || (!kept && self.free_slots() > 0) {
                taken += 1;
                self.slowest = rate;
                self.unchoke(peer.key, ChokeReason::Rate { rank, rate });
            }
        }
    }

    /// A seed's slots: peers keep theirs until their quota is used up or they have shown that they take nothing, then
    /// those who wait longest follow.
    pub(super) fn take_turns(&mut self, quota_bytes: u64) {
        let in_turn = |peer: &PeerState| {
            let time = peer
                .unchoked_since
                .map_or(self.config.seed_quota_time, |since| self.now.since(since));
            let served = peer.uploaded_this_unchoke >= quota_bytes || peer.uploaded_this_unchoke == 0;
            let over = served && time >= self.config.seed_quota_time || time >= self.config.seed_turn_max;
            peer.unchoked && (!over || !self.round || self.locked(peer))
        };
        let mut queue: Vec<&PeerState> = self
            .peers
            .iter()
            .filter(|peer| peer.interested && !peer.is_seed)
            .filter(|peer| peer.unchoked || !self.locked(peer))
            .collect();
        queue.sort_by_key(|peer| {
            let waits_since = peer.last_change.unwrap_or(peer.connected_at);
            (
                !in_turn(peer),
                peer.unchoked && !in_turn(peer),
                waits_since,
                peer.key,
            )
        });
        let slots = self.slots();
        for peer in queue.into_iter().take(slots) {
            self.unchoke(peer.key, ChokeReason::Turn);
        }
    }

    /// Whether a peer that was optimistic can go on being so: it is unchoked, and has no regular slot now.
    pub(super) fn may_stay_optimistic(&self, key: ConnId) -> bool {
        let regular = matches!(self.unchoked.get(&key), Some(ChokeReason::Rate { .. }));
        !regular
            && self
                .peer(key)
                .is_some_and(|peer| peer.unchoked && peer.interested && !peer.is_seed)
    }

    pub(super) fn is_chosen(&self, key: ConnId) -> bool {
        self.unchoked.contains_key(&key)
    }

    /// Choked peers that could become optimistic, by key.
    pub(super) fn optimistic_candidates(&self) -> Vec<PeerState> {
        self.peers
            .iter()
            .filter(|peer| !peer.unchoked && !self.locked(peer) && peer.interested && !peer.is_seed)
            .filter(|peer| !self.unchoked.contains_key(&peer.key))
            .copied()
            .collect()
    }

    /// Unchoked interested peers that got no slot in this pass, by key.
    pub(super) fn unchoked_leftovers(&self) -> Vec<ConnId> {
        self.peers
            .iter()
            .filter(|peer| peer.unchoked && peer.interested && !peer.is_seed)
            .filter(|peer| !self.unchoked.contains_key(&peer.key))
            .map(|peer| peer.key)
            .collect()
    }

    fn why_choked(&self, peer: &PeerState) -> ChokeReason {
        if peer.is_seed {
            return ChokeReason::Seed;
        }
        if !peer.interested {
            return ChokeReason::NotInterested;
        }
        if self.seeding && peer.unchoked {
            return ChokeReason::TurnOver {
                uploaded: peer.uploaded_this_unchoke,
            };
        }
        let rate = self.rate(peer);
        if !self.seeding && self.snubs(peer) {
            ChokeReason::Snubbed
        } else if self.locked(peer) {
            ChokeReason::ChangedLately
        } else if !self.seeding && rate < self.slowest {
            ChokeReason::TooSlow {
                rate,
                slowest: self.slowest,
            }
        } else {
            ChokeReason::NoSlot
        }
    }

    /// The changes, by key, and the reason of every peer's state.
    pub(super) fn finish(self) -> (Vec<Decision>, BTreeMap<ConnId, ChokeReason>) {
        let mut decisions = Vec::new();
        let mut reasons = BTreeMap::new();
        for peer in self.peers {
            let chosen = self.unchoked.get(&peer.key).copied();
            // a peer that became a seed is choked whenever that is noticed
            let reason = match chosen {
                Some(reason) => reason,
                None if peer.unchoked && self.locked(peer) && !peer.is_seed => ChokeReason::KeptUnchoked,
                None => self.why_choked(peer),
            };
            reasons.insert(peer.key, reason);
            if reason.is_unchoked() != peer.unchoked {
                decisions.push(Decision {
                    peer: peer.key,
                    unchoke: !peer.unchoked,
                    reason,
                });
            }
        }
        (decisions, reasons)
    }
}
