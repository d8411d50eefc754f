//! Dialling: which known address next, as far as the limits allow.

use super::{Context, Output, Torrent};
use crate::candidates::{Source, Trouble};
use crate::config::Encryption;
use crate::id::ConnId;
use crate::marks::Mark;
use crate::mse::{Modes, Secrets, SharedSecret};
use crate::session::Session;
use crate::time::Instant;
use alloc::vec::Vec;
use core::net::SocketAddr;

/// Why a peer is not dialled that the user named.
const PRIVATE: &str = "the torrent is private: only peers that its trackers name are dialled (BEP 27)";

impl Torrent {
    /// The peers that came with the torrent are the user's.
    pub(super) fn add_named_peers(&mut self, cx: &mut Context<'_>) {
        let peers = self.add.peers.clone();
        if !peers.is_empty() && self.only_its_trackers_name() {
            self.note(cx, PRIVATE.into());
            return;
        }
        for addr in peers {
            self.candidates.add(cx.now, addr, Source::User, true);
        }
    }

    /// Whether only peers of its trackers are dialled (BEP 27). Whoever uses no tracker has nobody but whom he names.
    fn only_its_trackers_name(&self) -> bool {
        self.metainfo.private && self.announcer.is_some()
    }

    /// The user names a peer.
    ///
    /// # Errors
    /// Says why it is not dialled.
    pub fn add_named_peer(&mut self, now: Instant, addr: SocketAddr) -> Result<(), &'static str> {
        if self.only_its_trackers_name() {
            return Err(PRIVATE);
        }
        self.candidates.add(now, addr, Source::User, true);
        Ok(())
    }

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
        let mut session = Session::dial(cx.now, self.rules.clone(), to);
        if let Some(offers) = self.encrypts(cx.config.encryption, to) {
            session = session.with_encryption(offers, Secrets::draw(&mut self.secrets));
        }
        self.adopt(cx, conn, session, 0);
        cx.out.push(Output::Connect { conn, to });
        true
    }

    /// What an encrypted handshake to this address offers; none when it is dialled in plain.
    fn encrypts(&self, encryption: Encryption, to: SocketAddr) -> Option<Modes> {
        match encryption {
            Encryption::Off => None,
            Encryption::Prefer if self.candidates.is_plain(to) => None,
            Encryption::Prefer => Some(Modes::Both),
            Encryption::Require => Some(Modes::Rc4Only),
        }
    }

    /// A connection ended whose encrypted handshake was not over. A peer that knows nothing of encryption does so, and
    /// it is no fault of its: unless encryption is required, it is dialled in plain at once.
    pub(super) fn falls_back(&mut self, cx: &mut Context<'_>, conn: ConnId) -> bool {
        let Some(session) = self.sessions.get(&conn).map(|peer| &peer.session) else {
            return false;
        };
        if !session.left_encrypting() || cx.config.encryption != Encryption::Prefer {
            return false;
        }
        self.marks.hit(Mark::EncryptionFallback);
        self.candidates.try_plain(cx.now, session.addr());
        cx.out.push(Output::DialAgain);
        true
    }

    /// The next candidate that this machine has a socket for; others are put back as failures.
    fn next_of_our_families(&mut self, cx: &Context<'_>) -> Option<SocketAddr> {
        loop {
            let addr = self.candidates.next(cx.now)?;
            if (addr.is_ipv4() && cx.config.ipv4) || (addr.is_ipv6() && cx.config.ipv6) {
                return Some(addr);
            }
            self.candidates.failed(cx.now, addr);
            self.candidates.note(addr, Some(Trouble::NoFamily));
        }
    }

    /// The secret of an encrypted connection, for checkers that read along.
    pub fn shared_secret(&self, conn: ConnId) -> Option<&SharedSecret> {
        self.sessions.get(&conn)?.session.shared_secret()
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

    /// All places are taken, or all for peers that dial us, and one more does: the peer of the lowest priority (BEP 40)
    /// gives way, if nothing went over its connection and the newcomer's priority is greater. So who dials the most does
    /// not keep others out.
    pub(super) fn gives_way(&mut self, cx: &mut Context<'_>, from: SocketAddr, only_accepted: bool) -> bool {
        let Some(newcomer) = self.candidates.preference(from) else {
            return false;
        };
        let first = ConnId::accepted(0);
        let idle: Vec<(ConnId, SocketAddr)> = self
            .sessions
            .range(if only_accepted { first } else { ConnId::dialled(0) }..)
            .filter(|(_, peer)| peer.session.transferred() == (0, 0))
            .map(|(conn, peer)| (*conn, peer.session.addr()))
            .collect();
        let ranked = idle.into_iter();
        let ranked = ranked.filter_map(|(conn, addr)| Some((self.candidates.preference(addr)?, conn)));
        let Some((lowest, conn)) = ranked.min() else {
            return false;
        };
        if lowest >= newcomer {
            return false;
        }
        self.marks.hit(Mark::GaveWay);
        self.end_session(cx, conn, crate::session::End::Full);
        true
    }

    /// A peer said what it understands, and perhaps how it sees us.
    pub(super) fn introduced(&mut self, cx: &Context<'_>, conn: ConnId) {
        self.pex_shaken(cx.now, conn);
        let Some(peer) = self.sessions.get(&conn) else {
            return;
        };
        if let Some(ip) = peer.session.peer_extensions().your_ip {
            self.candidates
                .heard_own(peer.session.addr().ip(), ip, cx.config.listen_port);
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
