//! Connections that others opened, until the first half of their handshake says which torrent they want.

use super::{ConnOwner, Engine};
use crate::action::{Action, CloseReason};
use crate::id::ConnId;
use crate::net::CloseCause;
use crate::report::{PeerClosed, Report};
use crate::session::{End, Violation};
use crate::time::Instant;
use crate::torrent::IncomingHead;
use crate::wire::{HANDSHAKE_LENGTH, HandshakeDecoder, HandshakePart};
use core::net::SocketAddr;

/// Accepted connections at a time whose handshake is not whole: silent ones must not keep others out for long.
/// 256 [rqbit].
const INCOMING_MAX: usize = 256;

/// An accepted connection before its torrent is known.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    from: SocketAddr,
    decoder: HandshakeDecoder,
    accepted: Instant,
    deadline: Instant,
}

impl Engine {
    pub(super) fn accepted(&mut self, conn: ConnId, from: SocketAddr) {
        if self.conns.contains_key(&conn) {
            return;
        }
        if self.shutdown_at.is_some() || self.shut_down {
            self.refuse(conn, from, End::Shutdown);
            return;
        }
        let peers = self.conns.len();
        if peers >= self.config.connections_max || self.incoming.len() >= INCOMING_MAX {
            self.refuse(conn, from, End::Full);
            return;
        }
        let deadline = self.now + self.config.session.handshake_timeout;
        self.incoming.insert(
            conn,
            Incoming {
                from,
                decoder: HandshakeDecoder::new(),
                accepted: self.now,
                deadline,
            },
        );
        self.conns.insert(conn, ConnOwner::Incoming);
        self.throttle.all.reads(self.now, HANDSHAKE_LENGTH as u64);
        // a handshake has no more bytes, and more are of no use before its torrent is known
        self.actions.push_back(Action::Read {
            conn,
            budget: HANDSHAKE_LENGTH as u32,
        });
    }

    fn refuse(&mut self, conn: ConnId, addr: SocketAddr, end: End) {
        self.incoming.remove(&conn);
        self.close(conn, CloseReason::Peer(end));
        self.report(Report::PeerClosed {
            torrent: None,
            conn,
            addr,
            why: PeerClosed::ByUs(end),
        });
    }

    pub(super) fn incoming_received(&mut self, conn: ConnId, data: &[u8]) {
        let mut rest = data;
        let Some(incoming) = self.incoming.get_mut(&conn) else {
            return;
        };
        let from = incoming.from;
        let (reserved, info_hash) = match incoming.decoder.next(&mut rest) {
            Ok(Some(HandshakePart::Head { reserved, info_hash })) => (reserved, info_hash),
            Ok(Some(HandshakePart::PeerId(_)) | None) => return,
            Err(_) => {
                self.refuse(conn, from, End::Violation(Violation::NotBitTorrent));
                return;
            }
        };
        let Some(id) = self.by_hash.get(&info_hash).copied() else {
            self.refuse(conn, from, End::Violation(Violation::UnknownTorrent));
            return;
        };
        let Some(incoming) = self.incoming.remove(&conn) else {
            return;
        };
        // from now on it is the torrent's, so that an end that it decides on at once is told by the torrent
        self.conns.insert(conn, ConnOwner::Torrent(id));
        let head = IncomingHead {
            decoder: incoming.decoder,
            accepted: incoming.accepted,
            reserved,
            rest,
        };
        let before = data.len() - rest.len();
        let taken = self.with_torrent(id, |torrent, cx| torrent.handle_incoming(cx, conn, from, head));
        for span in &mut self.unread {
            *span = before + span.start..before + span.end;
        }
        if let Some(Err(end)) = taken {
            self.refuse(conn, from, end);
        }
    }

    pub(super) fn incoming_closed(&mut self, conn: ConnId, cause: CloseCause) {
        if let Some(incoming) = self.incoming.remove(&conn) {
            let why = PeerClosed::ByThem(cause);
            self.report(Report::PeerClosed {
                torrent: None,
                conn,
                addr: incoming.from,
                why,
            });
        }
    }

    pub(super) fn incoming_deadline(&self) -> Option<Instant> {
        self.incoming.values().map(|incoming| incoming.deadline).min()
    }

    pub(super) fn incoming_timeouts(&mut self) {
        let late = self
            .incoming
            .iter()
            .filter(|(_, incoming)| incoming.deadline <= self.now);
        let late: alloc::vec::Vec<_> = late.map(|(conn, incoming)| (*conn, incoming.from)).collect();
        for (conn, from) in late {
            self.refuse(conn, from, End::HandshakeTimeout);
        }
    }
}
