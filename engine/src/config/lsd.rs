//! Constants of local service discovery.

use crate::time::Duration;
use serde::{Deserialize, Serialize};

/// Local service discovery (BEP 14; protocol.md §20).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LsdConfig {
    /// Whether it is done at all. Off by default: it tells a whole network what is shared, so a program that embeds the
    /// engine has to want it; the command line does. Never for private torrents (BEP 27), whatever this says.
    pub enabled: bool,
    /// From the first torrent to the first announce: torrents that are added together are told together.
    pub first_after: Duration,
    /// From one announce of a torrent to its next. 5 min (BEP 14).
    pub interval: Duration,
    /// Between two announces, whatever they tell of. 1 min (BEP 14: no more often, against multicast storms).
    pub gap: Duration,
    /// Datagrams that are looked at within [`LsdConfig::gap`]. 300: a network of 150 hosts that all tell both groups
    /// once a minute. What comes beyond it is dropped unread.
    pub heard_max: u32,
    /// The same of one host, so that one that floods does not take the place of the others. 30: some clients tell each
    /// of their torrents in a datagram of its own.
    pub heard_per_host_max: u32,
    /// Addresses of one torrent that are known from nothing but announces. 100: more than a local network has peers, and
    /// few enough that forged announces do not fill the list.
    pub candidates_max: usize,
}

impl Default for LsdConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            first_after: Duration::from_secs(1),
            interval: Duration::from_secs(5 * 60),
            gap: Duration::from_secs(60),
            heard_max: 300,
            heard_per_host_max: 30,
            candidates_max: 100,
        }
    }
}
