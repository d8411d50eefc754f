//! Pieces that were verified and cannot be read now.
//!
//! A failed read says little: the storage may be away for a minute (a network share, a cable), or a sector is dead.
//! Forgetting the piece at once would let a seed that loses its storage for a while forget everything that it was
//! asked for. So the storage counts as failed; when it is tried again the piece is hashed: it is right, or wrong and
//! forgotten. If it still cannot be read while the rest of a download can be written, it is fetched again; a torrent
//! that has nothing to fetch tries for as long as it runs.

use super::disk::DiskOp;
use super::{Context, Phase, Torrent};
use crate::disk::{DiskError, DiskFault, DiskJob};
use crate::geometry::BlockRange;
use crate::id::{ConnId, PieceIndex, Sha1Digest};
use crate::marks::Mark;
use crate::report::Report;
use crate::super_seed::SuperSeed;
use alloc::vec::Vec;

impl Torrent {
    /// A block for a peer could not be read.
    pub(super) fn upload_unreadable(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        range: BlockRange,
        error: DiskError,
    ) {
        if let Some(peer) = self.sessions.get_mut(&conn) {
            peer.session.drop_upload(cx.now, range);
            self.dirty.insert(conn);
        }
        let piece = range.piece;
        if !self.have().contains(piece) {
            return;
        }
        match error.fault {
            DiskFault::Missing | DiskFault::InTheWay => {
                self.lose_piece(cx, piece);
                self.report(
                    cx,
                    Report::DiskFailed {
                        torrent: self.id,
                        error,
                        retry_at: None,
                    },
                );
            }
            DiskFault::Full | DiskFault::Denied | DiskFault::Io => {
                self.marks.hit(Mark::PieceDoubtful);
                self.verifying.doubtful.insert(piece);
                self.disk_failed(cx, error);
            }
        }
    }

    /// A piece that was offered is not there any more.
    fn lose_piece(&mut self, cx: &mut Context<'_>, piece: PieceIndex) {
        self.marks.hit(Mark::PieceLost);
        let was_complete = self.is_complete();
        if was_complete {
            // seeds were sent away, and are of use again
            self.candidates.retry_now(true);
        }
        self.forget_piece(piece);
        self.piece_is_lost(piece);
        let fetches = was_complete && !self.is_complete();
        for (conn, peer) in &mut self.sessions {
            let shown = |seed: &SuperSeed| seed.was_offered(*conn, piece);
            if self.super_seed.as_ref().is_none_or(shown) {
                peer.session.send_dont_have(cx.now, piece);
            }
            if fetches {
                peer.session.send_upload_only(cx.now, false);
            }
        }
        self.resume.dirty(cx.now);
        self.dirty.extend(self.sessions.keys().copied());
    }

    /// Asks for the hashes of the doubtful pieces. False when there are none.
    pub(super) fn hash_doubtful(&mut self, cx: &mut Context<'_>) -> bool {
        let pieces: Vec<PieceIndex> = self.verifying.doubtful.iter().copied().collect();
        for piece in &pieces {
            self.disk(cx, DiskOp::Doubt(*piece), DiskJob::Hash { piece: *piece });
        }
        !pieces.is_empty()
    }

    /// A doubtful piece was hashed, or could not be.
    pub(super) fn doubt_ends(
        &mut self,
        cx: &mut Context<'_>,
        piece: PieceIndex,
        result: Result<Sha1Digest, DiskError>,
    ) {
        let nothing_to_fetch = self.is_complete();
        let kept = match &result {
            Ok(digest) => self.metainfo.piece_hash(piece) == Some(*digest),
            Err(error) if nothing_to_fetch && error.fault != DiskFault::Missing => return,
            Err(_) => false,
        };
        self.verifying.doubtful.remove(&piece);
        if !kept {
            self.lose_piece(cx, piece);
        }
        if nothing_to_fetch
            && self.verifying.doubtful.is_empty()
            && matches!(self.phase, Phase::DiskFailed { .. })
        {
            self.retry_disk(cx);
        }
    }
}
