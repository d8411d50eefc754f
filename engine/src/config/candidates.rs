//! Constants of the list of known addresses.

use crate::time::Duration;
use alloc::collections::BTreeMap;
use core::net::SocketAddr;
use serde::{Deserialize, Serialize};

/// Whom to dial (protocol.md §19).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CandidatesConfig {
    /// Addresses kept for one torrent. 3000 [libtorrent].
    pub known_max: usize,
    /// Ports kept of one address. A tracker or a PEX peer that names a thousand ports of one host would make us a
    /// weapon against it; a few let honest clients behind one translated address be found.
    pub ports_per_ip_max: usize,
    /// Whether several connections to one address may be up at a time. Off [libtorrent].
    pub allow_multiple_per_ip: bool,
    /// Wait after the n-th failure: n + 1 times this. 60 s [libtorrent `min_reconnect_time`].
    pub retry_min: Duration,
    /// Most of a random delay that is added to a wait, so that peers lost together are not all dialled together.
    pub retry_jitter: Duration,
    /// Failures in a row after which an address is given up (until someone names it again). 3 [libtorrent].
    pub failures_max: u32,
    /// How long a banned address stays banned.
    pub ban_time: Duration,
    /// Bans kept; the one that ends first is dropped for a new one.
    pub bans_max: usize,
    /// Whether the order among equal addresses is that of BEP 40, once our own address is known, instead of a random
    /// one, and a newcomer of higher priority takes the place of an idle peer when all connections are taken.
    pub canonical_priority: bool,
    /// Priorities that are given to be used instead of computed ones, by our own address and the other's: of a recording
    /// in which addresses, which they are computed from, are pseudonyms.
    pub priorities_given: BTreeMap<(SocketAddr, SocketAddr), u32>,
    /// Addresses of our own kept.
    pub own_max: usize,
}

impl Default for CandidatesConfig {
    fn default() -> Self {
        Self {
            known_max: 3000,
            ports_per_ip_max: 3,
            allow_multiple_per_ip: false,
            retry_min: Duration::from_secs(60),
            retry_jitter: Duration::from_secs(5),
            failures_max: 3,
            ban_time: Duration::from_secs(24 * 60 * 60),
            bans_max: 10_000,
            canonical_priority: true,
            priorities_given: BTreeMap::new(),
            own_max: 64,
        }
    }
}
