//! What arrives from peers: read message by message, each acted on before the next is looked at.

use super::{Context, Torrent};
use crate::id::ConnId;
use crate::session::Output as Said;

impl Torrent {
    /// Bytes of a peer arrived.
    pub fn handle_received(&mut self, cx: &mut Context<'_>, conn: ConnId, data: &[u8]) {
        let mut input = data;
        if let Some(peer) = self.sessions.get_mut(&conn) {
            peer.session.begin_input();
        } else {
            cx.unread.push(0..data.len());
            return;
        }
        // payload is told before the session can end, which forgets it
        let (mut offset, mut told) = (0, 0);
        loop {
            let at = data.len() - input.len();
            let Some(peer) = self.sessions.get_mut(&conn) else {
                // behind the end nobody reads on
                cx.unread.push(at..data.len());
                self.traffic.ledger.protocol += input.len() as u64;
                return;
            };
            let said = peer.session.next(cx.now, &mut input);
            for span in peer.session.payload_spans().iter().skip(told) {
                cx.unread.push(offset + span.start..offset + span.end);
                told += 1;
            }
            if said == Some(Said::Handshaken) {
                offset = data.len() - input.len();
            } else if said.is_none() && peer.session.is_over() {
                cx.unread.push(at..data.len());
            }
            if self.rules.trace {
                self.tell_trace(cx, conn);
            }
            let Some(said) = said else { break };
            self.said(cx, conn, said);
        }
        if let Some(peer) = self.sessions.get_mut(&conn) {
            self.traffic.ledger.merge(peer.session.take_received());
            let bytes = u32::try_from(data.len()).unwrap_or(u32::MAX);
            let used = bytes.min(peer.budget);
            peer.read_owed = peer.read_owed.saturating_add(bytes);
            peer.budget -= used;
            self.limits.scope.uses(used.into());
            cx.throttle.all.uses(used.into());
            self.dirty.insert(conn);
        }
    }
}
