//! Where addresses come from and what becomes of them, as values and as sentences, for `why` and `explain`.

use super::address::canonical;
use super::{Candidates, Link, Phase};
use crate::time::Instant;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use serde::{Deserialize, Serialize};

/// Who named an address. In the order of trust: an address keeps its best source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Source {
    /// The user, on the command line.
    User,
    /// The magnet link (`x.pe`), which the user typed and others wrote.
    Magnet,
    /// A tracker.
    Tracker,
    /// A peer that connected to us and told its port.
    Incoming,
    /// An earlier run.
    Resume,
    /// Who announces itself in the local network (BEP 14).
    Lsd,
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
    /// Unspecified, multicast, broadcast or reserved: no address of a host.
    NotAHost,
    /// Loopback or link-local, or private and named by a peer elsewhere.
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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum BanReason {
    /// It alone sent a piece that failed its hash.
    BadPiece,
    /// It sent a block that differs from the good copy.
    BadBlock,
    /// It alone sent metadata with the wrong hash.
    BadMetadata,
    /// It broke a rule of the protocol.
    Violation,
    /// The user said so.
    User,
}

/// Why an address is not connected.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Trouble {
    /// Nobody listens there.
    Refused,
    /// It did not answer in time.
    TimedOut,
    /// There is no way to it.
    Unreachable,
    /// It ended the connection before anything came of it.
    Closed,
    /// It broke a rule of the protocol.
    Violation,
    /// It refused everything that it was asked for.
    RefusesAll,
    /// This machine has no address of its family.
    NoFamily,
    /// This machine could not dial: no descriptor, or the interface is gone.
    Ours,
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
    /// Why its last connection came to nothing, if it did.
    pub trouble: Option<Trouble>,
}

impl Candidates {
    /// Every known address and where it stands, by address.
    pub fn view(&self) -> Vec<CandidateView> {
        let standing = |addr: &SocketAddr, phase: Phase| match phase {
            Phase::Ready => Standing::Ready,
            Phase::Waiting(at) => Standing::Waiting(at),
            Phase::GivenUp | Phase::NotNeeded => Standing::GivenUp,
            Phase::Linked => match self.links.get(addr) {
                Some(Link::Connecting) => Standing::Connecting,
                Some(Link::Connected) | None => Standing::Connected,
            },
        };
        self.entries
            .iter()
            .map(|(addr, entry)| CandidateView {
                addr: *addr,
                source: entry.source,
                failures: entry.failures,
                standing: standing(addr, entry.phase),
                trouble: entry.trouble,
            })
            .collect()
    }

    /// Who named an address, if it is known.
    pub fn source_of(&self, addr: SocketAddr) -> Option<Source> {
        self.entries.get(&canonical(addr)).map(|entry| entry.source)
    }

    /// How many addresses are known from this kind of source and no better one.
    pub fn named_by(&self, source: Source) -> usize {
        self.entries
            .values()
            .filter(|entry| entry.source == source)
            .count()
    }

    /// Keeps why a connection to an address came to nothing, or that it did not. It decides nothing.
    pub fn note(&mut self, addr: SocketAddr, trouble: Option<Trouble>) {
        if let Some(entry) = self.entries.get_mut(&canonical(addr)) {
            entry.trouble = trouble;
        }
    }

    /// Every ban with its end and its reason, by address.
    pub fn bans(&self) -> impl Iterator<Item = (IpAddr, Instant, BanReason)> + '_ {
        self.bans.iter()
    }

    /// How many addresses are banned.
    pub fn banned_count(&self) -> usize {
        self.bans.len()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "the user",
            Self::Magnet => "the magnet link",
            Self::Tracker => "a tracker",
            Self::Incoming => "an incoming connection",
            Self::Resume => "an earlier run",
            Self::Lsd => "the local network",
            Self::Pex => "another peer",
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortZero => f.write_str("port 0"),
            Self::NotAHost => f.write_str("not the address of a host"),
            Self::Local => f.write_str("a local address, named by someone who is not local"),
            Self::Own => f.write_str("our own address"),
            Self::Banned(reason) => write!(f, "banned: {reason}"),
            Self::AlreadyConnected => f.write_str("already connected to this host"),
            Self::TooManyPorts => f.write_str("too many ports of this host are known"),
            Self::Full => f.write_str("enough better addresses are known"),
        }
    }
}

impl fmt::Display for BanReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadPiece => "it alone sent a piece that failed its hash",
            Self::BadBlock => "it sent a block that differs from the verified one",
            Self::BadMetadata => "it alone sent metadata with the wrong hash",
            Self::Violation => "it broke a rule of the protocol",
            Self::User => "by the user",
        })
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "connection refused",
            Self::TimedOut => "no answer",
            Self::Unreachable => "host or network unreachable",
            Self::Closed => "closed at once",
            Self::Violation => "protocol broken",
            Self::RefusesAll => "every request refused",
            Self::NoFamily => "no such address family here",
            Self::Ours => "this machine could not dial",
        })
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("may be dialled"),
            Self::Connecting => f.write_str("connecting"),
            Self::Connected => f.write_str("connected"),
            Self::Waiting(at) => write!(f, "waits until {at}"),
            Self::GivenUp => f.write_str("given up until someone names it again"),
        }
    }
}
