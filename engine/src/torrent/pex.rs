//! Peer exchange (BEP 11): whom of our peers others are told of, and what becomes of whom they name.

use super::{Context, Torrent};
use crate::candidates::Source;
use crate::config::Config;
use crate::extension::pex::{Flags, NAME, PexMessage};
use crate::id::ConnId;
use crate::marks::Mark;
use crate::metainfo::Metainfo;
use crate::pex::{Contact, Pex};
use crate::session::Session;
use crate::time::Instant;
use alloc::vec::Vec;
use core::net::SocketAddr;

/// Whether peers of this torrent are exchanged: never those of a private one (BEP 27), which a magnet link may turn out to
/// name.
pub(super) fn allowed(config: &Config, metainfo: &Metainfo) -> bool {
    config.pex.enabled && !metainfo.private && !metainfo.info_bytes.is_empty()
}

/// Where others can dial a peer: what we dialled, or the port that it names; nobody else knows it.
fn dialled_at(session: &Session) -> Option<SocketAddr> {
    let addr = session.addr();
    if session.is_outgoing() {
        return Some(addr);
    }
    let port = session.peer_extensions().listen_port?;
    Some(SocketAddr::new(addr.ip(), port))
}

impl Torrent {
    /// A peer's handshake is whole, or it says anew what it understands.
    pub(super) fn pex_shaken(&mut self, now: Instant, conn: ConnId) {
        let (Some(pex), Some(peer)) = (&mut self.pex, self.sessions.get(&conn)) else {
            return;
        };
        let listens = peer.session.peer_extensions().extension(NAME).is_some();
        pex.listens(now, conn, peer.session.addr(), listens);
        pex.contacts_changed();
    }

    /// A connection is gone.
    pub(super) fn pex_left(&mut self, conn: ConnId) {
        if let Some(pex) = &mut self.pex {
            pex.left(conn);
        }
    }

    pub(super) fn pex_deadline(&self) -> Option<Instant> {
        self.pex.as_ref().and_then(Pex::deadline)
    }

    pub(super) fn pex_timeout(&mut self, cx: &mut Context<'_>) {
        if self.pex.as_ref().is_none_or(|pex| pex.next_due(cx.now).is_none()) {
            return;
        }
        let contacts = self.contacts();
        let Some(pex) = &mut self.pex else { return };
        while let Some(conn) = pex.next_due(cx.now) {
            let message = pex.message(cx.now, conn, &contacts);
            if let (Some(message), Some(peer)) = (message, self.sessions.get_mut(&conn)) {
                self.marks.hit(Mark::PexSent);
                peer.session.send_pex(cx.now, &message);
                self.dirty.insert(conn);
            }
        }
    }

    /// Our peers, as others may be told of them.
    fn contacts(&self) -> Vec<Contact> {
        let open = self.sessions.iter().filter(|(_, peer)| peer.session.is_open());
        open.filter_map(|(conn, peer)| {
            let session = &peer.session;
            let seed = self.picker.peer_is_seed(*conn) || session.is_upload_only();
            let mut flags = Flags::default();
            if seed {
                flags = flags.with(Flags::SEED);
            }
            if session.is_outgoing() {
                flags = flags.with(Flags::REACHABLE);
            }
            Some(Contact {
                conn: *conn,
                addr: dialled_at(session)?,
                flags,
            })
        })
        .collect()
    }

    /// A peer names others.
    pub(super) fn pex_heard(&mut self, now: Instant, conn: ConnId, message: &PexMessage) {
        let (Some(pex), Some(peer)) = (&mut self.pex, self.sessions.get(&conn)) else {
            return;
        };
        self.marks.hit(Mark::PexHeard);
        for named in pex.heard(conn, peer.session.addr(), message) {
            self.candidates.add(now, named.addr, Source::Pex, named.local_ok);
        }
    }
}
