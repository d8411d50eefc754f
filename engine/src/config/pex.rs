//! Constants of peer exchange.

use crate::time::Duration;
use serde::{Deserialize, Serialize};

/// Peer exchange (BEP 11; protocol.md §12).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PexConfig {
    /// Whether it is offered and done at all. Never for private torrents (BEP 27), whatever this says.
    pub enabled: bool,
    /// From the first word about extensions to the first message: connections of a swarm come in bunches, and a
    /// message at once would say too little and close the mouth for a minute.
    pub first_after: Duration,
    /// From one message to the next, to one peer. 60 s (BEP 11: not more often).
    pub interval: Duration,
    /// Contacts added, and contacts dropped, in one message. 50 (BEP 11).
    pub contacts_max: usize,
    /// The same for the first message to a peer, which BEP 11 exempts. 200: all connections that we have by default.
    pub contacts_first_max: usize,
    /// Contacts of one peer that are believed at a time. 50 [libtorrent `max_pex_peers`].
    pub stored_max: usize,
    /// Messages of one peer within [`PexConfig::interval`] before it is dropped. 6 [libtorrent]; a client may begin
    /// its minute anew at a new handshake.
    pub heard_max: usize,
}

impl Default for PexConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            first_after: Duration::from_secs(2),
            interval: Duration::from_secs(60),
            contacts_max: 50,
            contacts_first_max: 200,
            stored_max: 50,
            heard_max: 6,
        }
    }
}
