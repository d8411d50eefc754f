//! Constants of the list of known addresses.

use crate::time::Duration;

/// Whom to dial (protocol.md §19).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CandidatesConfig {
    /// Addresses kept for one torrent. 3000 [libtorrent].
    pub known_max: usize,
    /// Wait after the n-th failure: n + 1 times this. 60 s [libtorrent `min_reconnect_time`].
    pub retry_min: Duration,
    /// Failures in a row after which an address is given up (until someone names it again). 3 [libtorrent].
    pub failures_max: u32,
    /// How long a banned address stays banned.
    pub ban_time: Duration,
}

impl Default for CandidatesConfig {
    fn default() -> Self {
        Self {
            known_max: 3000,
            retry_min: Duration::from_secs(60),
            failures_max: 3,
            ban_time: Duration::from_secs(24 * 60 * 60),
        }
    }
}
