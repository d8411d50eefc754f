//! What arrives from peers: read message by message, each acted on before the next is looked at.

use super::{Context, Torrent};
use crate::id::ConnId;
use crate::session::{End, Output as Said, Violation};

impl Torrent {
    /// Bytes of a peer arrived: those of an encrypted handshake are taken first, the rest is decrypted if it has to be.
    pub fn handle_received(&mut self, cx: &mut Context<'_>, conn: ConnId, data: &[u8]) {
        let Some(peer) = self.sessions.get_mut(&conn) else {
            cx.unread.push(0..data.len());
            return;
        };
        let mut input = data;
        let taken = peer.session.take_encrypted(cx.now, &mut input);
        let used = data.len() - input.len();
        if let Err(fault) = taken {
            cx.unread.push(used..data.len());
            self.traffic.ledger.protocol += input.len() as u64;
            let end = End::Violation(Violation::Encryption(fault));
            self.said(cx, conn, Said::Ended(end));
            return;
        }
        let decrypted = peer.session.decrypt(input);
        self.took(cx, conn, used);
        self.read(cx, conn, decrypted.as_deref().unwrap_or(input), used);
    }

    /// Reads what stands in clear. `base` is where it begins in what was lent.
    pub(super) fn read(&mut self, cx: &mut Context<'_>, conn: ConnId, data: &[u8], base: usize) {
        let mut input = data;
        if let Some(peer) = self.sessions.get_mut(&conn) {
            peer.session.begin_input();
        }
        // payload is told before the session can end, which forgets it
        let (mut offset, mut told) = (base, 0);
        loop {
            let at = data.len() - input.len();
            let Some(peer) = self.sessions.get_mut(&conn) else {
                // behind the end nobody reads on
                cx.unread.push(base + at..base + data.len());
                self.traffic.ledger.protocol += input.len() as u64;
                return;
            };
            let said = peer.session.next(cx.now, &mut input);
            for span in peer.session.payload_spans().iter().skip(told) {
                cx.unread.push(offset + span.start..offset + span.end);
                told += 1;
            }
            if said == Some(Said::Handshaken) {
                offset = base + data.len() - input.len();
            } else if said.is_none() && peer.session.is_over() {
                cx.unread.push(base + at..base + data.len());
            }
            if self.rules.trace {
                self.tell_trace(cx, conn);
            }
            let Some(said) = said else { break };
            self.said(cx, conn, said);
        }
        if let Some(peer) = self.sessions.get_mut(&conn) {
            self.traffic.ledger.merge(peer.session.take_received());
        }
        self.took(cx, conn, data.len());
    }

    /// So much of what a peer may send has come.
    fn took(&mut self, cx: &mut Context<'_>, conn: ConnId, bytes: usize) {
        let Some(peer) = self.sessions.get_mut(&conn) else {
            return;
        };
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let used = bytes.min(peer.budget);
        peer.read_owed = peer.read_owed.saturating_add(bytes);
        peer.budget -= used;
        self.limits.gate.uses(used.into());
        cx.throttle.all.uses(used.into());
        self.dirty.insert(conn);
    }
}
