//! Events that own their bytes, for lists of events and for events that were written again.

use seedbed_engine::Event;
use seedbed_engine::id::ConnId;
use seedbed_engine::lsd::Group;
use std::net::SocketAddr;

/// An event that outlives the buffer it was read from.
#[derive(Clone, Debug)]
pub(crate) enum OwnedEvent {
    Received(ConnId, Vec<u8>),
    Datagram(SocketAddr, Vec<u8>),
    Multicast(Group, SocketAddr, Vec<u8>),
    Other(Event<'static>),
}

impl OwnedEvent {
    /// A copy of an event.
    pub(crate) fn of(event: &Event<'_>) -> Self {
        Self::Other(match event {
            Event::Received { conn, data } => return Self::Received(*conn, data.to_vec()),
            Event::Datagram { from, data } => return Self::Datagram(*from, data.to_vec()),
            Event::Multicast { group, from, data } => return Self::Multicast(*group, *from, data.to_vec()),
            Event::Tick => Event::Tick,
            Event::NetworkChanged => Event::NetworkChanged,
            Event::Command(command) => Event::Command(command.clone()),
            Event::Accepted { conn, from } => Event::Accepted {
                conn: *conn,
                from: *from,
            },
            Event::Connected { conn } => Event::Connected { conn: *conn },
            Event::Sent { conn, bytes } => Event::Sent {
                conn: *conn,
                bytes: *bytes,
            },
            Event::Closed { conn, cause } => Event::Closed {
                conn: *conn,
                cause: cause.clone(),
            },
            Event::DatagramError { to, fault } => Event::DatagramError {
                to: *to,
                fault: *fault,
            },
            Event::Resolved { op, result } => Event::Resolved {
                op: *op,
                result: result.clone(),
            },
            Event::DiskDone { op, result } => Event::DiskDone {
                op: *op,
                result: result.clone(),
            },
        })
    }

    /// The event, with its bytes lent.
    pub(crate) fn lent(&self) -> Event<'_> {
        match self {
            Self::Received(conn, data) => Event::Received { conn: *conn, data },
            Self::Datagram(from, data) => Event::Datagram { from: *from, data },
            Self::Multicast(group, from, data) => Event::Multicast {
                group: *group,
                from: *from,
                data,
            },
            Self::Other(event) => event.clone(),
        }
    }
}
