//! Constants of the choker.

use crate::time::Duration;
use serde::{Deserialize, Serialize};

/// Whom a seed serves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum SeedPolicy {
    /// In turn, each for a quota [libtorrent's default]: spreads a new torrent fastest.
    #[default]
    RoundRobin,
    /// Those who take fastest (BEP 3), with optimistic slots.
    FastestUpload,
}

/// Whom to unchoke (protocol.md §10).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChokerConfig {
    /// Peers unchoked at a time, optimistic ones included. 8 [libtorrent's slots].
    pub slots: u32,
    /// Time between rounds. 10 s (BEP 3).
    pub round: Duration,
    /// Rounds that an optimistic unchoke is kept. 3: 30 s (BEP 3).
    pub optimistic_rounds: u32,
    /// Share of the slots that is optimistic, in percent; never less than one slot. 20 [libtorrent].
    pub optimistic_percent: u32,
    /// How many times likelier a newly connected peer is chosen as optimistic. 3 (BEP 3).
    pub new_peer_weight: u32,
    /// How long after its connection a peer counts as new. 45 s [Transmission].
    pub new_peer_for: Duration,
    /// Least time between two changes of one peer, against fibrillation (BEP 3). 10 s [Transmission].
    pub change_min: Duration,
    /// Least time between two passes that fill empty slots, so that flapping interest cannot buy work.
    pub fill_min: Duration,
    /// A peer that we serve and that sends no block for so long loses its regular slot. 60 s (anti-snubbing).
    pub snub_after: Duration,
    /// Whom a seed serves.
    pub seed_policy: SeedPolicy,
    /// A seed keeps serving a peer for at least this long before it goes to the next. 60 s [libtorrent].
    pub seed_quota_time: Duration,
    /// … and for at least this many pieces. 20 [libtorrent].
    pub seed_quota_pieces: u32,
    /// … but for no longer than this, however slowly the peer takes them. 180 s: three of the least times, else peers
    /// that take nothing keep all slots from those who would.
    pub seed_turn_max: Duration,
}

impl Default for ChokerConfig {
    fn default() -> Self {
        Self {
            slots: 8,
            round: Duration::from_secs(10),
            optimistic_rounds: 3,
            optimistic_percent: 20,
            new_peer_weight: 3,
            new_peer_for: Duration::from_secs(45),
            change_min: Duration::from_secs(10),
            fill_min: Duration::from_millis(100),
            snub_after: Duration::from_secs(60),
            seed_policy: SeedPolicy::RoundRobin,
            seed_quota_time: Duration::from_secs(60),
            seed_quota_pieces: 20,
            seed_turn_max: Duration::from_secs(180),
        }
    }
}
