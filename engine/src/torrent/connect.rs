//! How a session begins: dialled by us, or by the peer; and how much its peer may send.

use super::{Context, Output, Peer, Torrent};
use crate::candidates::Refusal;
use crate::id::ConnId;
use crate::session::{Agreed, End, Session};
use crate::time::Instant;
use crate::wire::{HandshakeDecoder, Reserved};
use core::net::SocketAddr;

/// Bytes that a connection may deliver before the engine has given more budget: some large reads.
const READ_WINDOW: u32 = 256 * 1024;

/// The first half of the handshake of a peer that dialled us, and what came behind it.
#[derive(Debug)]
pub struct IncomingHead<'a> {
    /// Has yielded the head and waits for the peer id.
    pub decoder: HandshakeDecoder,
    /// When it was accepted: the whole handshake has its time from then on.
    pub accepted: Instant,
    /// What the peer understands.
    pub reserved: Reserved,
    /// Bytes behind the head, decrypted.
    pub rest: &'a [u8],
    /// Bytes that came so far, the rest included.
    pub received: u64,
    /// Bytes that it was allowed to send so far.
    pub granted: u64,
    /// Bytes that were sent so far and that the system has not taken.
    pub unsent: u64,
    /// What an encrypted handshake before it agreed on.
    pub agreed: Option<Agreed>,
}

/// How the connection of an address ends that is refused.
const fn unwanted(refusal: Refusal) -> End {
    match refusal {
        Refusal::Banned(_) => End::Banned,
        Refusal::Own => End::Ourselves,
        Refusal::AlreadyConnected => End::Duplicate,
        Refusal::PortZero | Refusal::NotAHost | Refusal::Local | Refusal::TooManyPorts | Refusal::Full => {
            End::Full
        }
    }
}

impl Torrent {
    /// Somebody dialled us and asked for this torrent. `rest` is what came behind the head of the handshake.
    ///
    /// # Errors
    /// Says why the connection is not wanted; then it is the caller's to close.
    pub fn handle_incoming(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        from: SocketAddr,
        head: IncomingHead<'_>,
    ) -> Result<(), End> {
        if !self.takes_peers() {
            return Err(End::TorrentStopped);
        }
        // nobody gives way to one who is refused
        self.candidates.admits(cx.now, from).map_err(unwanted)?;
        let accepted = self.sessions.range(ConnId::accepted(0)..).count();
        let too_many_accepted = accepted >= self.accepted_max(cx);
        let full = too_many_accepted || self.sessions.len() >= self.connections_max(cx);
        if full && !self.gives_way(cx, from, too_many_accepted) {
            return Err(End::Full);
        }
        self.candidates.incoming(cx.now, from).map_err(unwanted)?;
        // what it was allowed to send and has not sent
        let before = head.received.saturating_sub(head.rest.len() as u64);
        let mut unread = u32::try_from(head.granted.saturating_sub(before)).unwrap_or(u32::MAX);
        if head.agreed.is_some() && self.limits_down(cx) {
            // the paddings may be long and mostly are not: the rest would pass beside the limit
            unread = 0;
            cx.out.push(Output::Hold { conn });
        }
        self.traffic.ledger.protocol += before.saturating_sub(head.decoder.taken() as u64);
        let mut session = Session::accept_connection(
            cx.now,
            self.rules.clone(),
            from,
            head.accepted,
            head.decoder,
            head.reserved,
        );
        session.owes_sent(head.unsent);
        if let Some(agreed) = head.agreed {
            session = session.with_agreed(agreed);
        }
        self.adopt(cx, conn, session, unread);
        self.open_window(cx, conn);
        self.read(cx, conn, head.rest, 0);
        Ok(())
    }

    /// A session begins; `budget` is what its peer was allowed to send before.
    pub(super) fn adopt(&mut self, cx: &mut Context<'_>, conn: ConnId, session: Session, budget: u32) {
        if self.sessions.is_empty() {
            // a round that came due while nobody was here is over before the first one comes
            self.choke_timeout(cx);
        }
        self.sessions.insert(
            conn,
            Peer {
                session,
                timer: None,
                read_owed: 0,
                budget,
                uninformed: false,
            },
        );
        self.limits.gate.joins(budget.into());
        cx.throttle.all.joins(budget.into());
        self.dirty.insert(conn);
    }

    /// A new connection may send what all may, or waits for its part of a limit.
    fn open_window(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        if !self.limits_down(cx) {
            self.grant(cx, conn, READ_WINDOW);
        } else if let Some(peer) = self.sessions.get_mut(&conn) {
            peer.read_owed = READ_WINDOW;
        }
    }

    pub(super) fn grant(&mut self, cx: &mut Context<'_>, conn: ConnId, budget: u32) {
        if let Some(peer) = self.sessions.get_mut(&conn) {
            peer.budget = peer.budget.saturating_add(budget);
        }
        self.limits.gate.gives(cx.now, budget.into());
        cx.throttle.all.gives(cx.now, budget.into());
        cx.out.push(Output::Read { conn, budget });
        if self.limits.gate.is_crowded() || cx.throttle.all.is_crowded() {
            self.take_excess_back(cx);
        }
    }

    /// A dialled connection is established.
    pub fn handle_connected(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let Some(peer) = self.sessions.get_mut(&conn) else {
            return;
        };
        peer.session.handle_connected(cx.now);
        self.noted.local = None;
        self.open_window(cx, conn);
        self.dirty.insert(conn);
    }
}
