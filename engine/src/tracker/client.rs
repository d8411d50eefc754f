//! All tracker requests of all torrents.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::{AnnounceError, AnnounceParams, TrackerReply, TrackerUrl};
use crate::config::{HttpConfig, TrackerConfig};
use crate::id::InfoHash;
use crate::net::{CloseCause, DatagramFault, LookupError, ServerName};
use crate::rng::Rng;
use crate::time::Instant;

/// A request to a tracker. The caller never uses a number twice; see [`RequestIds`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RequestId(pub u64);

/// A source of request ids for one torrent.
#[derive(Clone, Debug)]
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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LookupKey(pub u64);

/// A connection of the client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct StreamKey(pub u64);

/// What to ask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RequestKind {
    /// An announce.
    Announce(AnnounceParams),
    /// A scrape of these torrents.
    Scrape(Vec<InfoHash>),
}

/// How to ask.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct RequestOptions {
    /// Local addresses are allowed throughout.
    pub allow_local: bool,
    /// The user typed the URL.
    pub typed_by_user: bool,
    /// Datagrams of each kind at the most; the sends then share the time up to the deadline.
    pub sends_max: Option<u32>,
    /// When the request is given up.
    pub deadline: Option<Instant>,
}

/// What the client asks of its owner.
#[derive(Clone, PartialEq, Eq, Debug)]
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

/// All tracker requests of all torrents.
#[derive(Clone, Debug)]
pub struct TrackerClient {
    outputs: VecDeque<ClientOutput>,
}

impl TrackerClient {
    /// A client without requests. `rng` draws the transaction ids.
    pub fn new(
        _config: TrackerConfig,
        _http: HttpConfig,
        _ipv4: bool,
        _ipv6: bool,
        _user_agent: &str,
        _rng: Rng,
    ) -> Self {
        Self {
            outputs: VecDeque::new(),
        }
    }

    /// Starts a request, which ends with exactly one `Done` unless it is cancelled.
    pub fn start(
        &mut self,
        _now: Instant,
        _id: RequestId,
        _url: &TrackerUrl,
        _kind: RequestKind,
        _options: RequestOptions,
    ) {
    }

    /// Ends a request without a `Done`. Unknown ids are ignored.
    pub fn cancel(&mut self, _now: Instant, _id: RequestId) {}

    /// The answer to `Resolve`.
    pub fn handle_resolved(&mut self, _now: Instant, _lookup: LookupKey, _result: Result<Vec<IpAddr>, LookupError>) {
    }

    /// A connection stands (TLS included).
    pub fn handle_connected(&mut self, _now: Instant, _stream: StreamKey) {}

    /// Bytes of a connection.
    pub fn handle_received(&mut self, _now: Instant, _stream: StreamKey, _data: &[u8]) {}

    /// A connection is no more, or never came to be.
    pub fn handle_closed(&mut self, _now: Instant, _stream: StreamKey, _cause: CloseCause) {}

    /// A datagram. Returns whether it belonged to a request.
    pub fn handle_datagram(&mut self, _now: Instant, _from: SocketAddr, _data: &[u8]) -> bool {
        false
    }

    /// A datagram did not go out, or was refused by the other machine.
    pub fn handle_datagram_error(&mut self, _now: Instant, _to: SocketAddr, _fault: DatagramFault) {}

    /// Time has passed; call it at [`TrackerClient::deadline`].
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// When `handle_timeout` is due.
    pub fn deadline(&self) -> Option<Instant> {
        None
    }

    /// What to do next, in order.
    pub fn poll_output(&mut self) -> Option<ClientOutput> {
        self.outputs.pop_front()
    }
}
