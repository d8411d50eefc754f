//! Known addresses of one torrent: whom to dial, when, and whom never (protocol.md §19).

use crate::config::CandidatesConfig;
use crate::rng::Rng;
use crate::time::Instant;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

/// Who named an address. In the order of trust: an address keeps its best source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Source {
    /// The user, on the command line or in a magnet link (`x.pe`).
    User,
    /// A tracker.
    Tracker,
    /// A peer that connected to us and told its port.
    Incoming,
    /// An earlier run.
    Resume,
    /// Another peer (BEP 11).
    Pex,
}

/// What became of an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddOutcome {
    /// It was not known and is kept.
    New,
    /// It was known.
    Known,
    /// It is not kept.
    Refused(Refusal),
}

/// Why an address is not used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Port 0.
    PortZero,
    /// Unspecified, multicast, broadcast, documentation or otherwise no address of a host.
    NotAHost,
    /// Loopback or link-local, named by someone who may not name it.
    Local,
    /// Our own address.
    Own,
    /// Banned.
    Banned(BanReason),
    /// Connected or connecting to this address already.
    AlreadyConnected,
    /// As many ports of this address are known as are kept.
    TooManyPorts,
    /// The list is full of better ones.
    Full,
}

/// Why an address is banned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BanReason {
    /// It alone sent a piece that failed its hash.
    BadPiece,
    /// It sent a block that differs from the good copy.
    BadBlock,
    /// It broke a rule of the protocol.
    Violation,
    /// The user said so.
    User,
}

/// Where an address stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// May be dialled.
    Ready,
    /// Dialled, not established.
    Connecting,
    /// Established.
    Connected,
    /// May be dialled from then on.
    Waiting(Instant),
    /// Given up after too many failures, until someone names it again.
    GivenUp,
}

/// One known address, for `explain`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CandidateView {
    /// The address.
    pub addr: SocketAddr,
    /// Its best source.
    pub source: Source,
    /// Failures in a row.
    pub failures: u32,
    /// Where it stands.
    pub standing: Standing,
}

/// The list.
#[derive(Clone, Debug)]
pub struct Candidates {
    #[allow(dead_code)]
    config: CandidatesConfig,
    #[allow(dead_code)]
    rng: Rng,
}

#[allow(unused_variables, missing_docs)]
impl Candidates {
    pub fn new(config: CandidatesConfig, rng: Rng) -> Self {
        Self { config, rng }
    }
    pub fn add(&mut self, now: Instant, addr: SocketAddr, source: Source, local_ok: bool) -> AddOutcome {
        AddOutcome::New
    }
    pub fn next(&mut self, now: Instant) -> Option<SocketAddr> {
        None
    }
    pub fn connected(&mut self, now: Instant, addr: SocketAddr) {}
    pub fn failed(&mut self, now: Instant, addr: SocketAddr) {}
    pub fn closed(&mut self, now: Instant, addr: SocketAddr, useful: bool) {}
    /// The dial was taken back before it could fail (no descriptor left, shutdown): no failure is counted.
    pub fn gave_up(&mut self, now: Instant, addr: SocketAddr) {}
    pub fn incoming(&mut self, now: Instant, addr: SocketAddr) -> Result<(), Refusal> {
        Ok(())
    }
    pub fn ban(&mut self, now: Instant, ip: IpAddr, reason: BanReason) {}
    pub fn unban(&mut self, now: Instant, ip: IpAddr) -> bool {
        false
    }
    pub fn is_banned(&self, now: Instant, ip: IpAddr) -> bool {
        false
    }
    pub fn mark_own(&mut self, addr: SocketAddr) {}
    pub fn known(&self) -> usize {
        0
    }
    pub fn connected_count(&self) -> usize {
        0
    }
    pub fn connecting_count(&self) -> usize {
        0
    }
    pub fn deadline(&self) -> Option<Instant> {
        None
    }
    pub fn handle_timeout(&mut self, now: Instant) {}
    pub fn retry_now(&mut self) {}
    pub fn view(&self) -> Vec<CandidateView> {
        Vec::new()
    }
}
