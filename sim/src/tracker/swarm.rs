//! The peers of one torrent, as a tracker sees them.

use super::{Announce, AnnounceEvent};
use seedbed_engine::time::Instant;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// One peer, as it described itself last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// Where it takes connections.
    pub addr: SocketAddr,
    /// Its id of this run.
    pub peer_id: [u8; 20],
    /// Bytes it lacks; 0 makes it a seeder.
    pub left: u64,
    /// Bytes of payload it sent.
    pub uploaded: u64,
    /// Bytes of payload it received.
    pub downloaded: u64,
    /// When it last announced.
    pub seen: Instant,
}

impl Peer {
    /// A peer of which nothing but the address is known.
    pub const fn unknown(addr: SocketAddr) -> Self {
        Self {
            addr,
            peer_id: [0; 20],
            left: 1,
            uploaded: 0,
            downloaded: 0,
            seen: Instant::START,
        }
    }
}

/// The peers of one torrent in the order of their addresses.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Swarm {
    peers: BTreeMap<SocketAddr, Peer>,
    completed: u32,
}

impl Swarm {
    /// The peers in the order of their addresses.
    pub fn peers(&self) -> impl Iterator<Item = &Peer> {
        self.peers.values()
    }

    /// Puts a peer in, as if it had announced.
    pub fn insert(&mut self, peer: Peer) {
        self.peers.insert(peer.addr, peer);
    }

    /// Peers that lack nothing.
    pub fn seeders(&self) -> u32 {
        count(self.peers.values().filter(|peer| peer.left == 0))
    }

    /// Peers that lack something.
    pub fn leechers(&self) -> u32 {
        count(self.peers.values().filter(|peer| peer.left > 0))
    }

    /// How many `completed` events came.
    pub fn completed(&self) -> u32 {
        self.completed
    }

    /// Takes what a peer said of itself. A peer beyond the limit is counted nowhere but still answered.
    pub(super) fn announced(&mut self, addr: SocketAddr, announce: &Announce, peers_max: usize) {
        match announce.event {
            AnnounceEvent::Stopped => {
                self.peers.remove(&addr);
                return;
            }
            AnnounceEvent::Completed => self.completed = self.completed.saturating_add(1),
            AnnounceEvent::None | AnnounceEvent::Started | AnnounceEvent::Paused => {}
        }
        if self.peers.len() >= peers_max && !self.peers.contains_key(&addr) {
            return;
        }
        self.insert(Peer {
            addr,
            peer_id: announce.peer_id,
            left: announce.left,
            uploaded: announce.uploaded,
            downloaded: announce.downloaded,
            seen: announce.at,
        });
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}
