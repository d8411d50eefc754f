//! Everything that an engine can ask of its driver.

use crate::block::Block;
use crate::disk::DiskJob;
use crate::id::{ConnId, OpId, TorrentId};
use crate::lsd::Group;
use crate::net::ServerName;
use crate::report::Report;
use crate::session::End;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;

/// One thing to do. Actions are carried out in order; none is answered before `handle` has returned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Open a TCP connection, with TLS on it if a name is given (the certificate has to be valid for it).
    /// Answered by `Connected` or `Closed`.
    Connect {
        /// The engine's number for it.
        conn: ConnId,
        /// Where to.
        to: SocketAddr,
        /// Speak TLS to a server of this name.
        tls: Option<ServerName>,
    },
    /// Send `head`, then `body`. Never answered but by `Sent`, when the bytes were taken.
    Send {
        /// To where.
        conn: ConnId,
        /// Encoded messages.
        head: Vec<u8>,
        /// Payload of a block, shared and not copied.
        body: Option<Block>,
    },
    /// Read up to so many further bytes from this connection. Budgets add up; without any, nothing is read.
    Read {
        /// From where.
        conn: ConnId,
        /// Bytes.
        budget: u32,
    },
    /// Take back what is left of the budget of this connection: a limit was set. What was read before still counts.
    Hold {
        /// Which one.
        conn: ConnId,
    },
    /// Send what was given to `Send`, then close. No event follows for this connection.
    Close {
        /// Which one.
        conn: ConnId,
        /// For logs and timelines.
        reason: CloseReason,
    },
    /// Send a datagram.
    Datagram {
        /// Where to.
        to: SocketAddr,
        /// The bytes.
        data: Vec<u8>,
    },
    /// Send a datagram to a multicast group, on the interface that we are a member on. Never answered: who is not there
    /// is not missed.
    Multicast {
        /// Where to.
        group: Group,
        /// The bytes.
        data: Vec<u8>,
    },
    /// Look a host name up. Answered by `Resolved`.
    Resolve {
        /// The engine's number for it.
        op: OpId,
        /// A name, never an address.
        host: String,
    },
    /// A job for the storage of a torrent. Answered by `DiskDone`.
    Disk {
        /// The engine's number for it.
        op: OpId,
        /// Whose storage.
        torrent: TorrentId,
        /// What to do.
        job: DiskJob,
    },
    /// Something that a user or a test may want to know. Asks for nothing.
    Report(Report),
}

impl Action {
    /// Whether it is only there because `Config::trace` is on: a run is the same run without it.
    pub const fn is_trace(&self) -> bool {
        matches!(
            self,
            Self::Report(
                Report::Wire { .. } | Report::Tracker { .. } | Report::Lsd { .. } | Report::Lint { .. }
            )
        )
    }
}

/// Why the engine closes a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseReason {
    /// A peer connection ended.
    Peer(End),
    /// An HTTP exchange is over, well or badly.
    HttpDone,
    /// The event was for nobody: the connection was unknown or has no owner any more.
    Unowned,
}

impl CloseReason {
    /// Whether what was sent before still matters. It does not to a peer that broke a rule: one that floods us with
    /// requests and takes no answer would keep a send buffer of each of its connections for as long as a close may take.
    pub const fn drops_unsent(&self) -> bool {
        matches!(self, Self::Peer(End::Violation(_)))
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(end) => end.fmt(f),
            Self::HttpDone => f.write_str("exchange over"),
            Self::Unowned => f.write_str("nobody owns it"),
        }
    }
}
