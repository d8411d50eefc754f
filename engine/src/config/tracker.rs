//! Constants of announcing and of the HTTP client below it.

use crate::time::Duration;
use serde::{Deserialize, Serialize};

/// Announcing (protocol.md §2–5).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TrackerConfig {
    /// First UDP time-out; the n-th is 2^n times as long (BEP 15).
    pub udp_timeout: Duration,
    /// The last n of the schedule (BEP 15: 8, so 3840 s).
    pub udp_retries: u32,
    /// How long a connection id may be used after its receipt (BEP 15).
    pub connection_id_lifetime: Duration,
    /// Peers asked for. 200 [libtorrent, rain]; 0 in `stopped`.
    pub numwant: u32,
    /// Interval when the tracker names none. 1800 s [libtorrent].
    pub interval_default: Duration,
    /// Regular announces are never closer than this. 300 s [libtorrent `min_announce_interval`].
    pub interval_floor: Duration,
    /// Longest interval that is believed; a tracker cannot send us away for ever.
    pub interval_ceiling: Duration,
    /// Announces asked for by the user are never closer than this.
    pub manual_min: Duration,
    /// First back-off after a failed announce; it grows with the square of the failures [libtorrent].
    pub backoff_first: Duration,
    /// Longest back-off. 3600 s [libtorrent].
    pub backoff_max: Duration,
    /// After a first UDP time-out of this length the next tracker of the tier is tried in parallel.
    pub parallel_after: Duration,
    /// Sends of a `stopped` announce at the most.
    pub stopped_sends_max: u32,
    /// Time for the whole `stopped` announce. 5 s [libtorrent, rain].
    pub stopped_timeout: Duration,
    /// After one address family of a tracker has answered, the other one is waited for this long (BEP 7).
    pub family_grace: Duration,
    /// HTTP requests at a time; the rest waits. 50 [libtorrent].
    pub http_concurrent_max: usize,
    /// Requests started in one `start_period` at the most, but for those in a hurry. 20 [Transmission].
    pub starts_max: u32,
    /// See `starts_max`. 500 ms [Transmission].
    pub start_period: Duration,
    /// Trackers kept of one torrent.
    pub trackers_max: usize,
    /// Peers taken from one answer.
    pub peers_max: usize,
    /// Announce to every tier at a time (off: BEP 12). Never for private torrents.
    pub announce_to_all_tiers: bool,
}

impl Default for TrackerConfig {
    fn default() -> Self {
        Self {
            udp_timeout: Duration::from_secs(15),
            udp_retries: 8,
            connection_id_lifetime: Duration::from_secs(60),
            numwant: 200,
            interval_default: Duration::from_secs(1800),
            interval_floor: Duration::from_secs(300),
            interval_ceiling: Duration::from_secs(24 * 60 * 60),
            manual_min: Duration::from_secs(60),
            backoff_first: Duration::from_secs(5),
            backoff_max: Duration::from_secs(3600),
            parallel_after: Duration::from_secs(15),
            stopped_sends_max: 2,
            stopped_timeout: Duration::from_secs(5),
            family_grace: Duration::from_secs(3),
            http_concurrent_max: 50,
            starts_max: 20,
            start_period: Duration::from_millis(500),
            trackers_max: 200,
            peers_max: 1000,
            announce_to_all_tiers: false,
        }
    }
}

/// The HTTP client (protocol.md §3).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HttpConfig {
    /// Bytes of a head (status line and headers).
    pub head_max: usize,
    /// Bytes of a body, and of the same body inflated. 1 MiB [libtorrent] suits trackers; a fetch sets its own.
    pub body_max: usize,
    /// Redirects followed. 5 [libtorrent].
    pub redirects_max: u32,
    /// Connecting, TLS included, to one address.
    pub connect_timeout: Duration,
    /// Silence while waiting for an answer. 10 s [libtorrent].
    pub receive_timeout: Duration,
    /// The whole exchange, redirects included. 30 s [libtorrent].
    pub total_timeout: Duration,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            head_max: 64 * 1024,
            body_max: 1024 * 1024,
            redirects_max: 5,
            connect_timeout: Duration::from_secs(10),
            receive_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(30),
        }
    }
}
