//! Everything that can happen to an engine.

use crate::disk::{DiskDone, DiskError};
use crate::id::{ConnId, OpId, PieceIndex, TorrentId};
use crate::lsd::Group;
use crate::metainfo::Metainfo;
use crate::net::{CloseCause, DatagramFault, LookupError};
use crate::priority::Priority;
use crate::throttle::RateLimit;
use crate::torrent::{AddTorrent, TorrentLimits};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use serde::{Deserialize, Serialize};

/// One thing that happened. Any event in any order is legal input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// Time passed: due at [`Engine::deadline`](crate::Engine::deadline), harmless at any other time.
    Tick,
    /// The user wants something.
    Command(Command),
    /// Somebody dialled us. The driver numbers it with [`ConnId::accepted`].
    Accepted {
        /// The new connection.
        conn: ConnId,
        /// Its other end; an IPv4 address is never in its IPv6-mapped form.
        from: SocketAddr,
    },
    /// A connection that we dialled is established, TLS included.
    Connected {
        /// Which one.
        conn: ConnId,
    },
    /// Bytes arrived. The driver reads no more than the budgets of [`Action::Read`](crate::Action::Read) allow.
    Received {
        /// From where.
        conn: ConnId,
        /// The bytes, lent for the call.
        data: &'a [u8],
    },
    /// Bytes were taken by the operating system. May be told once for many sends.
    Sent {
        /// To where.
        conn: ConnId,
        /// How many since this was last told.
        bytes: u64,
    },
    /// A connection ended, or did not come to be. Not told for one that the engine closed.
    Closed {
        /// Which one.
        conn: ConnId,
        /// Why.
        cause: CloseCause,
    },
    /// A datagram arrived.
    Datagram {
        /// From where; an IPv4 address is never in its IPv6-mapped form.
        from: SocketAddr,
        /// The bytes, lent for the call.
        data: &'a [u8],
    },
    /// A datagram arrived at the port of a multicast group that we are a member of (BEP 14).
    Multicast {
        /// Which group.
        group: Group,
        /// From where; an IPv4 address is never in its IPv6-mapped form.
        from: SocketAddr,
        /// The bytes, lent for the call.
        data: &'a [u8],
    },
    /// A datagram did not go out, or was answered by an ICMP message.
    DatagramError {
        /// Where it was sent.
        to: SocketAddr,
        /// What is known of it.
        fault: DatagramFault,
    },
    /// A name lookup ended.
    Resolved {
        /// Which one.
        op: OpId,
        /// Addresses in the resolver's order.
        result: Result<Vec<IpAddr>, LookupError>,
    },
    /// A disk job ended.
    DiskDone {
        /// Which one.
        op: OpId,
        /// What came of it.
        result: Result<DiskDone, DiskError>,
    },
    /// Addresses or routes of this machine changed, or it woke from sleep.
    NetworkChanged,
}

/// What a user can ask for. A command that cannot be carried out is answered by
/// [`Report::Rejected`](crate::Report::Rejected).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Command {
    /// Start a torrent.
    Add(Box<AddTorrent>),
    /// Stop a torrent and forget it; its files stay.
    Remove(TorrentId),
    /// Close its connections, tell its trackers, keep its state.
    Pause(TorrentId),
    /// Go on after a pause or an error.
    Resume(TorrentId),
    /// Hash everything on the disk again.
    Recheck(TorrentId),
    /// Announce now, as far as the trackers' minimum intervals allow.
    Reannounce(TorrentId),
    /// Change how much each file of a torrent is wanted, in the torrent's order, pad files included; those beyond the
    /// end of the list as usual.
    SetPriorities(TorrentId, Vec<Priority>),
    /// Fetch the pieces of a torrent in their order, or not.
    SetSequential(TorrentId, bool),
    /// Say in which time pieces are needed, as a player does; `None` takes that back. Of a piece that is had nothing is
    /// kept.
    SetDeadlines(TorrentId, Vec<(PieceIndex, Option<core::time::Duration>)>),
    /// Dial a peer.
    AddPeer(TorrentId, SocketAddr),
    /// Change limits over all torrents, or of each of them.
    SetLimits(Limits),
    /// Change limits of one torrent.
    SetTorrentLimits(TorrentId, TorrentLimits),
    /// GET a URL that the user typed; answered by [`Report::Fetched`](crate::Report::Fetched).
    Fetch {
        /// An http or https URL.
        url: String,
        /// Bytes of body at the most.
        body_max: usize,
    },
    /// One announce and its `stopped`, or one scrape, to one tracker.
    /// Answered by [`Report::TrackerProbed`](crate::Report::TrackerProbed).
    ProbeTracker(Box<ProbeTracker>),
    /// Stop all torrents, tell the trackers, save, close. Ends with [`Report::ShutDown`](crate::Report::ShutDown).
    Shutdown,
}

/// Limits that can change while running. `None` leaves one as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Connections over all torrents.
    pub connections: Option<usize>,
    /// Connections of one torrent.
    pub connections_per_torrent: Option<usize>,
    /// Unchoke slots of one torrent.
    pub slots: Option<u32>,
    /// Unchoke slots over all torrents.
    pub slots_in_all: Option<u32>,
    /// Downloads that are worked on at a time. What has begun goes on.
    pub active: Option<usize>,
    /// What is read from all peers together.
    pub rate_down: Option<RateLimit>,
    /// What is sent to all peers together.
    pub rate_up: Option<RateLimit>,
}

/// A single announce outside of any torrent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProbeTracker {
    /// The tracker; typed by the user, so free of the rules for foreign URLs.
    pub url: String,
    /// The torrent to ask about.
    #[serde(with = "crate::metainfo::stored")]
    pub metainfo: Arc<Metainfo>,
    /// Scrape instead of announcing.
    pub scrape: bool,
    /// How long it may take in all.
    pub timeout: core::time::Duration,
}
