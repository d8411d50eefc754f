//! The peers of an answer, of whatever form: usable addresses, each once, no more than are wanted (BEP 3, 7, 23).

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::{PeerAddr, TrackerLint};
use crate::id::PeerId;
use crate::scope::Scope;

/// Collects the peers of an answer: usable ones, each address once, at most a number of them.
#[derive(Debug)]
pub(crate) struct PeerList {
    peers: Vec<PeerAddr>,
    seen: BTreeSet<SocketAddr>,
    max: usize,
    lints: Vec<TrackerLint>,
}

impl PeerList {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            peers: Vec::new(),
            seen: BTreeSet::new(),
            max,
            lints: Vec::new(),
        }
    }

    /// Takes a peer unless its address is no peer's.
    pub(crate) fn push(&mut self, addr: SocketAddr, id: Option<PeerId>) {
        let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
        if addr.port() == 0 || Scope::of(addr.ip()) == Scope::Nobody {
            self.lint(TrackerLint::UnusablePeer);
        } else if self.peers.len() >= self.max {
            self.lint(TrackerLint::TooManyPeers);
        } else if self.seen.insert(addr) {
            self.peers.push(PeerAddr { addr, id });
        }
    }

    /// Takes compact peers: 6 bytes an IPv4 one (BEP 23), 18 bytes an IPv6 one (BEP 7). A ragged tail is dropped.
    pub(crate) fn push_compact(&mut self, bytes: &[u8], v6: bool) {
        let rest = if v6 {
            let (entries, rest) = bytes.as_chunks::<18>();
            for entry in entries {
                if let Some((ip, port)) = entry.split_first_chunk::<16>() {
                    self.push(SocketAddr::new(IpAddr::from(*ip), be16(port)), None);
                }
            }
            rest
        } else {
            let (entries, rest) = bytes.as_chunks::<6>();
            for [a, b, c, d, p, q] in entries {
                self.push(
                    SocketAddr::new(IpAddr::from([*a, *b, *c, *d]), be16(&[*p, *q])),
                    None,
                );
            }
            rest
        };
        if !rest.is_empty() {
            self.lint(TrackerLint::RaggedPeers);
        }
    }

    pub(crate) fn lint(&mut self, lint: TrackerLint) {
        if !self.lints.contains(&lint) {
            self.lints.push(lint);
        }
    }

    /// The peers and what was wrong with them.
    pub(crate) fn finish(mut self) -> (Vec<PeerAddr>, Vec<TrackerLint>) {
        self.lints.sort_unstable();
        self.lints.dedup();
        (self.peers, self.lints)
    }
}

fn be16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u16::from(*byte))
}
