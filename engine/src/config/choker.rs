//! Constants of the choker.

use crate::time::Duration;

/// Whom to unchoke (protocol.md §10).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChokerConfig {
    /// Peers unchoked at a time, optimistic ones included. 8 [libtorrent's slots].
    pub slots: u32,
    /// Time between rounds. 10 s (BEP 3).
    pub round: Duration,
    /// Rounds that an optimistic unchoke is kept. 3: 30 s (BEP 3).
    pub optimistic_rounds: u32,
    /// Least time between two changes of one peer, against fibrillation (BEP 3). 10 s [Transmission].
    pub change_min: Duration,
    /// A peer that we serve and that sends no block for so long loses its regular slot. 60 s (anti-snubbing).
    pub snub_after: Duration,
    /// A seed keeps serving a peer for at least this long before it goes to the next. 60 s [libtorrent].
    pub seed_quota_time: Duration,
    /// … and for at least this many pieces. 20 [libtorrent].
    pub seed_quota_pieces: u32,
}

impl Default for ChokerConfig {
    fn default() -> Self {
        Self {
            slots: 8,
            round: Duration::from_secs(10),
            optimistic_rounds: 3,
            change_min: Duration::from_secs(10),
            snub_after: Duration::from_secs(60),
            seed_quota_time: Duration::from_secs(60),
            seed_quota_pieces: 20,
        }
    }
}
