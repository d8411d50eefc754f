//! Dialling: which known address next, as far as the limits allow.

use super::{Context, Output, Torrent};
use crate::candidates::Trouble;
use crate::marks::Mark;
use crate::session::Session;
use crate::time::Instant;

impl Torrent {
    /// Whether a further connection is of use now.
    fn wants_peers(&self, per_torrent_max: usize) -> bool {
        self.takes_peers() && self.sessions.len() < per_torrent_max
    }

    /// Dials one known address. False when there is none to dial.
    pub fn dial(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.wants_peers(self.connections_max(cx)) {
            return false;
        }
        let Some(to) = self.next_of_our_families(cx) else {
            return false;
        };
        let conn = cx.ids.next_conn();
        let session = Session::dial(cx.now, self.rules.clone(), to);
        self.adopt(cx, conn, session, 0);
        cx.out.push(Output::Connect { conn, to });
        true
    }

    /// The next candidate that this machine has a socket for; others are put back as failures.
    fn next_of_our_families(&mut self, cx: &Context<'_>) -> Option<core::net::SocketAddr> {
        loop {
            let addr = self.candidates.next(cx.now)?;
            if (addr.is_ipv4() && cx.config.ipv4) || (addr.is_ipv6() && cx.config.ipv6) {
                return Some(addr);
            }
            self.candidates.failed(cx.now, addr);
            self.candidates.note(addr, Some(Trouble::NoFamily));
        }
    }

    /// When an address may be dialled that may not be now.
    pub(super) fn dial_deadline(&self) -> Option<Instant> {
        if self.takes_peers() {
            self.candidates.deadline()
        } else {
            None
        }
    }

    /// Connections of this torrent, and how many of them are not established yet.
    pub fn connections(&self) -> (usize, usize) {
        let half_open = self.candidates.connecting_count();
        (self.sessions.len(), half_open)
    }

    /// Closes the connections that are least of use until `max` are left: first those that are not open yet, then those
    /// that carried least, the youngest first.
    pub fn keep_connections(&mut self, cx: &mut Context<'_>, max: usize) {
        while self.sessions.len() > max {
            let least = self.sessions.iter().min_by_key(|(conn, peer)| {
                let (down, up) = peer.session.transferred();
                (peer.session.is_open(), down + up, core::cmp::Reverse(**conn))
            });
            let Some(conn) = least.map(|(conn, _)| *conn) else {
                return;
            };
            self.end_session(cx, conn, crate::session::End::Full);
        }
    }

    /// We were kept from reading for a while: the time of everything that peers owe begins anew.
    pub fn overslept(&mut self, now: Instant) {
        self.marks.hit(Mark::Overslept);
        for peer in self.sessions.values_mut() {
            peer.session.overslept(now);
        }
    }

    /// The network of this machine changed: old connections are dead, old failures mean nothing.
    pub fn network_changed(&mut self, cx: &mut Context<'_>) {
        self.marks.hit(Mark::NetworkChanged);
        self.end_all(cx, crate::session::End::NetworkChanged);
        self.candidates.retry_now(false);
        self.announce_network_changed(cx);
    }
}
