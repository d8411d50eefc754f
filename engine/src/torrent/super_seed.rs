//! Super-seeding (BEP 16): what peers are shown of a torrent that is there to be seeded by nobody else.

use super::{AddTorrent, Context, Purpose, Torrent};
use crate::id::{ConnId, PieceIndex};
use crate::marks::Mark;
use crate::super_seed::SuperSeed;

/// Whether a torrent is super-seeded. Who fetches has to show what it has, or nobody trades with it.
pub(super) fn begin(add: &AddTorrent) -> Option<SuperSeed> {
    (add.super_seed && add.purpose == Purpose::Seed).then(SuperSeed::default)
}

impl Torrent {
    /// A peer is offered its next piece, when it is time.
    pub(super) fn offer(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let Some(seed) = &mut self.super_seed else { return };
        let picker = &self.picker;
        let piece = seed.offer(
            cx.now,
            conn,
            picker.have(),
            |conn| picker.peer_set(conn),
            |piece| self.geometry.length_of(piece),
        );
        if let (Some(piece), Some(peer)) = (piece, self.sessions.get_mut(&conn)) {
            self.marks.hit(Mark::PieceOffered);
            peer.session.send_have(cx.now, piece);
        }
    }

    /// A peer said what it has: others may have been waiting for that.
    pub(super) fn offers_after(&mut self, conn: ConnId) {
        if let Some(seed) = &mut self.super_seed {
            seed.introduced(conn);
            self.dirty.extend(self.sessions.keys().copied());
        }
    }

    /// A choking round: who has said nothing has nothing, and who waited long enough is offered more.
    pub(super) fn offers_in_round(&mut self) {
        if let Some(seed) = &mut self.super_seed {
            seed.all_introduced();
            self.dirty.extend(self.sessions.keys().copied());
        }
    }

    /// Whether a peer may be served this piece: what it was not offered we pretend not to have.
    pub(super) fn shows(&self, conn: ConnId, piece: PieceIndex) -> bool {
        let shown = |seed: &SuperSeed| seed.was_offered(conn, piece);
        self.super_seed.as_ref().is_none_or(shown)
    }
}
