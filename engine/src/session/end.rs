//! Why a connection to a peer is ended.

use super::Violation;
use core::fmt;

/// Why we end a connection to a peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The peer broke a rule.
    Violation(Violation),
    /// It was not established in time.
    ConnectTimeout,
    /// The handshake did not come in time.
    HandshakeTimeout,
    /// Nothing was received for too long.
    Silent,
    /// Neither side wanted anything of the other for too long.
    Useless,
    /// It lets us ask, and refused everything for minutes.
    RefusesAll,
    /// Both sides have everything (BEP 21).
    BothSeeds,
    /// Neither side wants anything more, though one has not everything (BEP 21).
    NothingWanted,
    /// It is ourselves.
    Ourselves,
    /// A second connection to the same peer; both ends drop the same one.
    Duplicate,
    /// Its address is banned.
    Banned,
    /// No connection is free.
    Full,
    /// The torrent was paused, removed, or stopped with an error.
    TorrentStopped,
    /// The torrent turned out to be private, and its tracker did not name the peer (BEP 27).
    Private,
    /// A private torrent changed its tracker (BEP 27).
    TrackerSwitched,
    /// The network of this machine changed.
    NetworkChanged,
    /// The program ends.
    Shutdown,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Violation(violation) => return violation.fmt(f),
            Self::ConnectTimeout => "no connection in time",
            Self::HandshakeTimeout => "no handshake in time",
            Self::Silent => "silent for too long",
            Self::Useless => "no interest on either side",
            Self::RefusesAll => "refuses whatever we ask for",
            Self::BothSeeds => "both sides have everything",
            Self::NothingWanted => "neither side wants anything more",
            Self::Ourselves => "connected to ourselves",
            Self::Duplicate => "already connected to this peer",
            Self::Banned => "address is banned",
            Self::Full => "too many connections",
            Self::TorrentStopped => "torrent stopped",
            Self::Private => "the torrent is private and its tracker did not name it",
            Self::TrackerSwitched => "the tracker of a private torrent changed",
            Self::NetworkChanged => "the network changed",
            Self::Shutdown => "shutting down",
        })
    }
}
