//! Constants of the exchange of info dictionaries (BEP 9).

use crate::time::Duration;
use serde::{Deserialize, Serialize};

/// Fetching and serving metadata (protocol.md §11).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MetadataConfig {
    /// Length of every piece of metadata but the last: 16 KiB, fixed by BEP 9. Smaller only in simulations, so that
    /// their small torrents have several.
    pub piece_length: u32,
    /// Longest info dictionary that is fetched, and bytes of unfinished ones kept in all. 30 MiB [libtorrent, rain]: one of
    /// 1.5 million pieces still fits, and a torrent of more is not made.
    pub size_max: u32,
    /// Different sizes that peers may claim and that are fetched at a time. Honest peers agree on one; a few more keep
    /// one liar from stopping everything, and each costs memory.
    pub sizes_max: usize,
    /// Pieces asked of one peer at a time: 128 KiB keep a usual line busy, and leave other peers a part.
    pub requests_max: usize,
    /// One piece is asked for no more often than this. 3 s [libtorrent, Transmission].
    pub request_interval: Duration,
    /// How long a peer is not asked that refused. 60 s [libtorrent].
    pub refusal_pause: Duration,
    /// How long peers are not asked that together sent something wrong. 20 s, the least that libtorrent waits.
    pub penalty: Duration,
    /// How long a peer that is asked alone may send nothing before another one is.
    pub alone_timeout: Duration,
    /// How long an address is banned that alone sent something wrong. 5 min [libtorrent].
    pub ban_time: Duration,
    /// Requests of one peer that wait for room on its connection; further ones are refused. 1024 [libtorrent].
    pub serve_queue_max: usize,
}

impl Default for MetadataConfig {
    fn default() -> Self {
        Self {
            piece_length: 16 * 1024,
            size_max: 30 * 1024 * 1024,
            sizes_max: 16,
            requests_max: 8,
            request_interval: Duration::from_secs(3),
            refusal_pause: Duration::from_secs(60),
            penalty: Duration::from_secs(20),
            alone_timeout: Duration::from_secs(20),
            ban_time: Duration::from_secs(300),
            serve_queue_max: 1024,
        }
    }
}
