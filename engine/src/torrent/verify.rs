//! Verification: a piece counts when its hash matches (BEP 3), and who is to blame when it does not (protocol.md §9).

use super::disk::DiskOp;
use super::{Context, Torrent};
use crate::candidates;
use crate::disk::DiskJob;
use crate::geometry::BlockRange;
use crate::id::{PieceIndex, Sha1Digest};
use crate::picker::Touched;
use crate::report::{BanReason, Report};
use crate::session::End;
use crate::time::{Duration, Instant};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;
use core::net::IpAddr;
use serde::{Deserialize, Serialize};

/// Wait before a piece that fails from everyone is fetched again, doubled with each failure.
const HOPELESS_WAIT: Duration = Duration::from_secs(15);

/// Most doublings of [`HOPELESS_WAIT`]: 64 minutes.
const HOPELESS_DOUBLINGS: u32 = 8;

/// Pieces between their last block and their verdict.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Verifying {
    /// All blocks are with storage, and the hash is asked for.
    pub(super) hashing: BTreeSet<PieceIndex>,
    /// The hash could not be taken; it is asked for again when storage works.
    pub(super) unhashed: BTreeSet<PieceIndex>,
    /// Verified once, unreadable later: hashed when storage works.
    pub(super) doubtful: BTreeSet<PieceIndex>,
    /// Among `hashing` and `unhashed`: had if it is right, and not fetched again if it is not, since no file that it is
    /// part of is wanted any more.
    pub(super) unwanted: BTreeSet<PieceIndex>,
    /// Among `hashing`: storage did not take a block.
    lost: BTreeSet<PieceIndex>,
    /// Pieces that fail whoever sends them, and when each is fetched again.
    hopeless: BTreeSet<(Instant, PieceIndex)>,
    /// How often each piece has failed in this run.
    failures: BTreeMap<PieceIndex, u32>,
}

impl Verifying {
    /// Nothing is being verified any more; how often pieces failed is still known.
    pub(super) fn forget_pieces(&mut self) {
        self.hashing.clear();
        self.unhashed.clear();
        self.doubtful.clear();
        self.unwanted.clear();
        self.lost.clear();
        self.hopeless.clear();
    }

    /// How many pieces are left alone for a while because they fail whoever sends them, and until when the first is.
    pub(super) fn left_alone(&self) -> (u32, Option<Instant>) {
        let count = u32::try_from(self.hopeless.len()).unwrap_or(u32::MAX);
        (count, self.hopeless.first().map(|(at, _)| *at))
    }

    /// Pieces that failed and have not passed since.
    pub(super) fn failing(&self) -> u32 {
        u32::try_from(self.failures.len()).unwrap_or(u32::MAX)
    }

    /// A piece that is left alone, else the one that failed most; how often it failed.
    pub(super) fn worst(&self) -> Option<(PieceIndex, u32)> {
        let failed = |piece: &PieceIndex| self.failures.get(piece).copied().unwrap_or_default();
        let alone = self.hopeless.first().map(|(_, piece)| (*piece, failed(piece)));
        let most = || self.failures.iter().max_by_key(|(_, failures)| **failures);
        alone.or_else(|| most().map(|(piece, failures)| (*piece, *failures)))
    }
}

impl Torrent {
    /// Asks for the hash of a piece whose blocks are all with storage.
    pub(super) fn hash(&mut self, cx: &mut Context<'_>, piece: PieceIndex) {
        self.verifying.hashing.insert(piece);
        self.disk(cx, DiskOp::Hash(piece), DiskJob::Hash { piece });
    }

    /// Storage did not take a block: its piece has to be fetched again.
    pub(super) fn block_lost(&mut self, cx: &mut Context<'_>, piece: PieceIndex) {
        if self.verifying.hashing.contains(&piece) {
            // the answer to its hash is on its way, and means nothing now
            self.verifying.lost.insert(piece);
        } else {
            self.blame.forget(piece);
            self.free_failed_piece(cx, piece);
        }
    }

    /// The hash of a piece that arrived could not be taken. Storage still has its blocks, so it is asked again when
    /// storage works, unless one of them was lost or is `missing`.
    pub(super) fn hash_failed(&mut self, cx: &mut Context<'_>, piece: PieceIndex, missing: bool) {
        self.verifying.hashing.remove(&piece);
        if self.verifying.lost.remove(&piece) || missing {
            self.blame.forget(piece);
            self.free_failed_piece(cx, piece);
        } else {
            self.verifying.unhashed.insert(piece);
        }
    }

    /// The hash of a piece that arrived is known, and its bytes are with the operating system.
    pub(super) fn hashed(&mut self, cx: &mut Context<'_>, piece: PieceIndex, digest: Sha1Digest) {
        if !self.verifying.hashing.remove(&piece) {
            return;
        }
        if self.verifying.lost.remove(&piece) {
            self.blame.forget(piece);
            self.free_failed_piece(cx, piece);
        } else if self.metainfo.piece_hash(piece) == Some(digest) {
            self.verified_now(cx, piece);
        } else {
            self.failed_now(cx, piece);
        }
    }

    fn verified_now(&mut self, cx: &mut Context<'_>, piece: PieceIndex) {
        let was_complete = self.is_complete();
        self.piece_counts(piece);
        self.picker.piece_verified(piece);
        self.verified += u64::from(self.geometry.length_of(piece));
        self.resume.dirty(cx.now);
        let have = self.picker.have().count();
        let pieces = self.geometry.pieces();
        self.report(
            cx,
            Report::PieceVerified {
                torrent: self.id,
                piece,
                have,
                pieces,
            },
        );
        self.verifying.failures.remove(&piece);
        self.verifying.unwanted.remove(&piece);
        let suspects: Vec<_> = self.blame.suspects().collect();
        self.blame.piece_verified(piece);
        self.share_again(&suspects);
        if self.blame.wants_good_digests(piece) {
            self.disk(cx, DiskOp::DigestsOfGood(piece), DiskJob::Digests { piece });
        }
        for (conn, touched) in self.picker.touched_by(piece) {
            let Some(peer) = self.sessions.get_mut(&conn) else {
                continue;
            };
            match touched {
                Touched::Lacks => peer.session.send_have(cx.now, piece),
                Touched::Spent if peer.session.am_interested() => {}
                Touched::Spent => continue,
            }
            self.dirty.insert(conn);
        }
        if !was_complete && self.is_complete() {
            self.complete(cx);
        }
    }

    /// Every wanted piece is there.
    fn complete(&mut self, cx: &mut Context<'_>) {
        self.completed.told = true;
        self.report(cx, Report::Completed { torrent: self.id });
        self.tell_state(cx);
        if self.picker.have().is_full() && !core::mem::replace(&mut self.completed.counted, true) {
            self.announce_completed(cx);
        }
        self.save_resume(cx);
        let seeds: Vec<_> = self
            .sessions
            .keys()
            .copied()
            .filter(|conn| self.picker.peer_is_seed(*conn))
            .collect();
        let end = self.parting();
        for conn in seeds {
            self.end_session(cx, conn, end);
        }
        self.tell_upload_only(cx, true);
        self.dirty.extend(self.sessions.keys().copied());
    }

    fn failed_now(&mut self, cx: &mut Context<'_>, piece: PieceIndex) {
        self.piece_is_wrong(piece);
        let failures = self.verifying.failures.entry(piece).or_default();
        *failures += 1;
        let failures = *failures;
        let verdict = self.blame.piece_failed(piece);
        let contributors = match &verdict {
            crate::blame::Verdict::BanSole(ip) => alloc::vec![*ip],
            crate::blame::Verdict::Suspect(ips) => ips.clone(),
            crate::blame::Verdict::Unknown => Vec::new(),
        };
        self.report(
            cx,
            Report::PieceFailed {
                torrent: self.id,
                piece,
                contributors,
                failures,
            },
        );
        match verdict {
            crate::blame::Verdict::BanSole(ip) => {
                self.fetch_again(cx, piece);
                self.ban(cx, ip, BanReason::SoleSource { piece });
            }
            // the piece stays as it is until its block digests are taken: later nobody could be blamed
            crate::blame::Verdict::Suspect(_) => {
                self.disk(cx, DiskOp::DigestsOfFailed(piece), DiskJob::Digests { piece });
            }
            crate::blame::Verdict::Unknown => self.fetch_again(cx, piece),
        }
        if let Some(hopeless) = self.blame.hopeless(piece) {
            let text = format!(
                "piece {} failed its hash {} times, each time from other peers: the torrent itself or this disk \
                 may be at fault",
                piece.0, hopeless.failures
            );
            self.note(cx, text);
        }
    }

    /// A piece that failed its hash is fetched again: at once, or after a growing wait if it fails whoever sends it.
    /// A torrent that is wrong itself would cost the whole line for ever.
    pub(super) fn fetch_again(&mut self, cx: &mut Context<'_>, piece: PieceIndex) {
        if self.blame.hopeless(piece).is_none() || self.verifying.unwanted.contains(&piece) {
            self.free_failed_piece(cx, piece);
            return;
        }
        let failures = self.verifying.failures.get(&piece).copied().unwrap_or_default();
        let wait = HOPELESS_WAIT.saturating_mul(1 << failures.min(HOPELESS_DOUBLINGS));
        self.verifying.hopeless.insert((cx.now + wait, piece));
    }

    pub(super) fn hopeless_deadline(&self) -> Option<Instant> {
        self.verifying.hopeless.first().map(|(at, _)| *at)
    }

    pub(super) fn hopeless_timeout(&mut self, cx: &mut Context<'_>) {
        while self.hopeless_deadline().is_some_and(|at| at <= cx.now) {
            if let Some((_, piece)) = self.verifying.hopeless.pop_first() {
                self.free_failed_piece(cx, piece);
            }
        }
    }

    /// The blocks of a failed piece may be fetched again, if they are still wanted.
    pub(super) fn free_failed_piece(&mut self, cx: &mut Context<'_>, piece: PieceIndex) {
        self.blocks_are_lost(piece);
        self.picker.piece_failed(piece);
        if self.verifying.unwanted.remove(&piece) {
            self.want_fewer(cx);
        }
        self.dirty.extend(self.sessions.keys().copied());
    }

    /// The good copy is known block by block: who sent other blocks is known too.
    pub(super) fn blame_by_digests(
        &mut self,
        cx: &mut Context<'_>,
        piece: PieceIndex,
        digests: Vec<Sha1Digest>,
    ) {
        let suspects: Vec<_> = self.blame.suspects().collect();
        let bans = self.blame.digests_of_good(piece, digests);
        self.share_again(&suspects);
        for ban in bans {
            let range = self.geometry.block(ban.piece, ban.block);
            let block = range.unwrap_or(BlockRange {
                piece: ban.piece,
                begin: 0,
                length: 0,
            });
            self.ban(cx, ban.addr, BanReason::BlockDiffers { block });
        }
    }

    /// Whoever was among these suspects and is off parole may share pieces with others again, and is asked for what is free
    /// of them now: nothing else need happen to it.
    fn share_again(&mut self, suspects: &[IpAddr]) {
        if suspects.is_empty() {
            return;
        }
        for (conn, peer) in &self.sessions {
            let ip = peer.session.addr().ip();
            if suspects.contains(&ip.to_canonical()) && !self.blame.is_suspect(ip) {
                self.dirty.insert(*conn);
            }
        }
    }

    /// Bans an address and ends its connections.
    pub(super) fn ban(&mut self, cx: &mut Context<'_>, ip: IpAddr, why: BanReason) {
        if self.candidates.is_banned(cx.now, ip) {
            return;
        }
        let reason = match why {
            BanReason::SoleSource { .. } => candidates::BanReason::BadPiece,
            BanReason::BlockDiffers { .. } => candidates::BanReason::BadBlock,
            BanReason::Metadata => candidates::BanReason::BadMetadata,
        };
        let time = match why {
            BanReason::SoleSource { .. } | BanReason::BlockDiffers { .. } => cx.config.candidates.ban_time,
            BanReason::Metadata => cx.config.metadata.ban_time,
        };
        self.candidates.ban_for(cx.now, ip, reason, time);
        self.report(
            cx,
            Report::Banned {
                torrent: self.id,
                ip,
                why,
            },
        );
        let conns: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, peer)| peer.session.addr().ip() == ip)
            .map(|(conn, _)| *conn)
            .collect();
        for conn in conns {
            self.end_session(cx, conn, End::Banned);
        }
    }
}
