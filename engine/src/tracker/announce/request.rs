//! The words between the tracker client and its owner: ids, requests and outputs.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;

use super::{AnnounceError, AnnounceParams, TrackerReply};
use crate::http::Families;
use crate::id::InfoHash;
use crate::net::ServerName;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// A request to a tracker. The caller never uses a number twice; see [`RequestIds`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct RequestId(pub u64);

/// A source of request ids for one torrent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RequestIds {
    next: u64,
}

impl RequestIds {
    /// Ids with `namespace` (the torrent's number) in their upper half.
    pub const fn new(namespace: u32) -> Self {
        Self {
            next: (namespace as u64) << 32,
        }
    }

    /// An id that was never given out before.
    pub fn next_id(&mut self) -> RequestId {
        let id = RequestId(self.next);
        self.next += 1;
        id
    }
}

impl RequestId {
    /// The namespace that the id was drawn from.
    pub const fn namespace(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// A name lookup of the client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct LookupKey(pub u64);

/// A connection of the client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct StreamKey(pub u64);

/// What to ask.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum RequestKind {
    /// An announce.
    Announce(AnnounceParams),
    /// A scrape of these torrents.
    Scrape(Vec<InfoHash>),
}

/// How to ask.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct RequestOptions {
    /// Local addresses are allowed throughout.
    pub allow_local: bool,
    /// The user typed the URL.
    pub typed_by_user: bool,
    /// Datagrams of each kind at the most; the sends then share the time up to the deadline.
    pub sends_max: Option<u32>,
    /// When the request is given up.
    pub deadline: Option<Instant>,
    /// The address families over which the tracker knows that the torrent has started: `started` is said over the others
    /// first. Of an announce that it stopped, those over which it may know.
    pub heard_start: Families,
}

/// What the client asks of its owner.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ClientOutput {
    /// Look up a name.
    Resolve {
        /// To be given back.
        lookup: LookupKey,
        /// The name.
        host: String,
    },
    /// Open a connection.
    Connect {
        /// To be given back.
        stream: StreamKey,
        /// Address and port.
        to: SocketAddr,
        /// The name that the certificate has to be valid for; none for a connection in clear.
        tls: Option<ServerName>,
    },
    /// Send on a connection.
    Send {
        /// Which.
        stream: StreamKey,
        /// What.
        data: Vec<u8>,
    },
    /// Close a connection, or give up connecting.
    Close {
        /// Which.
        stream: StreamKey,
    },
    /// Send a datagram.
    Datagram {
        /// Where to.
        to: SocketAddr,
        /// What.
        data: Vec<u8>,
    },
    /// The request itself goes out, so from now on it may be delivered. May be told more than once.
    Asked {
        /// Which.
        request: RequestId,
        /// Over which address family.
        family: Families,
    },
    /// A UDP tracker was silent for the first time-out: the next one may be tried beside it.
    FirstTimeout {
        /// Which request.
        request: RequestId,
    },
    /// A request is over.
    Done {
        /// Which.
        request: RequestId,
        /// How.
        result: Result<TrackerReply, AnnounceError>,
    },
    /// A line for a timeline, without secrets.
    Trace {
        /// Whose.
        request: RequestId,
        /// The line.
        text: String,
    },
}
