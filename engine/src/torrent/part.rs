//! When two peers part because neither wants anything (BEP 21).

use super::{Context, Peer, Torrent};
use crate::id::ConnId;
use crate::marks::Mark;
use crate::session::End;

impl Torrent {
    /// Two seeds have nothing to give each other, and neither have two that want nothing more (BEP 21).
    pub(super) fn end_if_both_seeds(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        if !self.knows_metadata() || !self.is_complete() {
            return;
        }
        // of pieces that both got from each other neither tells the other, so a seed may be known by its word alone
        let wants_nothing = |peer: &Peer| peer.session.is_upload_only() && !peer.session.peer_interested();
        let by_word = self.sessions.get(&conn).is_some_and(wants_nothing);
        let is_seed = self.picker.peer_is_seed(conn);
        if by_word && !is_seed {
            self.marks.hit(Mark::PartedByWord);
        }
        if is_seed || by_word {
            let end = self.parting();
            self.end_session(cx, conn, end);
        }
    }

    /// Why we part from a peer that wants nothing, as we do.
    pub(super) fn parting(&self) -> End {
        match self.picker.have().is_full() {
            true => End::BothSeeds,
            false => End::NothingWanted,
        }
    }
}
