//! Disk jobs: which are under way, what their answers mean, what a failure leads to.

use super::{Context, Output, Phase, Purpose, Torrent};
use crate::disk::{DiskDone, DiskError, DiskFault, DiskJob};
use crate::geometry::BlockRange;
use crate::id::{ConnId, OpId, PieceIndex};
use crate::net::printable;
use crate::report::Report;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Characters of a storage error that are shown: a path and the system's words.
const ERROR_SHOWN_MAX: usize = 1000;

/// A disk job under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum DiskOp {
    Open,
    /// Where bytes lie from now on.
    Arrange,
    Prepare,
    /// Hash of a piece found on the disk.
    Check(PieceIndex),
    /// Hash of a verified piece that could not be read.
    Doubt(PieceIndex),
    /// A block that arrived.
    Write(BlockRange),
    /// Hash of a piece that arrived.
    Hash(PieceIndex),
    /// A block for a peer.
    Read(ConnId, BlockRange),
    /// Block digests of a piece that failed.
    DigestsOfFailed(PieceIndex),
    /// Block digests of a piece that failed before and passed now.
    DigestsOfGood(PieceIndex),
    Sync,
    SaveResume,
    /// A state that vouches for files before they are made.
    Claim,
    LoadMetadata,
    SaveMetadata,
    Close,
}

impl Torrent {
    /// Gives a job to the disk.
    pub(super) fn disk(&mut self, cx: &mut Context<'_>, tag: DiskOp, job: DiskJob) {
        let op = cx.ids.next_op();
        self.ops.insert(op, tag);
        cx.out.push(Output::Disk { op, job });
    }

    /// A job of this torrent ended.
    pub fn handle_disk(&mut self, cx: &mut Context<'_>, op: OpId, result: Result<DiskDone, DiskError>) {
        let Some(tag) = self.ops.remove(&op) else { return };
        if let DiskOp::Write(range) = tag {
            self.writing = self.writing.saturating_sub(u64::from(range.length));
            if self.writing <= cx.config.disk_bytes_in_flight_max / 2 && !self.starved.is_empty() {
                self.dirty.append(&mut self.starved);
            }
        }
        match result {
            Ok(done) => self.disk_done(cx, tag, done),
            Err(error) => self.disk_error(cx, tag, error),
        }
    }

    fn disk_done(&mut self, cx: &mut Context<'_>, tag: DiskOp, done: DiskDone) {
        match (tag, done) {
            (DiskOp::Open, DiskDone::Opened { files, resume }) => self.opened(cx, files, resume),
            (DiskOp::Arrange, DiskDone::Arranged) => {}
            (DiskOp::Prepare, DiskDone::Prepared) => self.prepared(cx),
            (DiskOp::Check(piece), DiskDone::Hash(digest)) => {
                let right = self.metainfo.piece_hash(piece) == Some(digest);
                self.check_read(cx, piece, right);
            }
            (DiskOp::Doubt(piece), DiskDone::Hash(digest)) => self.doubt_ends(cx, piece, Ok(digest)),
            (DiskOp::Write(_), DiskDone::Written) => {}
            (DiskOp::Hash(piece), DiskDone::Hash(digest)) => self.hashed(cx, piece, digest),
            (DiskOp::Read(conn, range), DiskDone::Read(data)) => self.upload_read(cx, conn, range, data),
            (DiskOp::DigestsOfFailed(piece), DiskDone::Digests(digests)) => {
                self.blame.digests_of_failed(piece, digests);
                self.fetch_again(cx, piece);
            }
            (DiskOp::DigestsOfGood(piece), DiskDone::Digests(digests)) => {
                self.blame_by_digests(cx, piece, digests);
            }
            (DiskOp::Sync, DiskDone::Synced { files }) => self.synced(cx, files),
            (DiskOp::SaveResume, DiskDone::Saved) => self.resume_saved(cx),
            (DiskOp::LoadMetadata, DiskDone::Metadata(saved)) => self.metadata_loaded(cx, saved),
            (DiskOp::SaveMetadata | DiskOp::Claim, DiskDone::Saved) => {}
            (DiskOp::Close, DiskDone::Closed) => self.disk_closed(cx),
            // an answer of another kind than the job is the driver's mistake; the job counts as failed
            (tag, _) => {
                let error = DiskError {
                    fault: DiskFault::Io,
                    text: "storage gave an answer of another kind".into(),
                };
                self.disk_error(cx, tag, error);
            }
        }
    }

    fn disk_error(&mut self, cx: &mut Context<'_>, tag: DiskOp, mut error: DiskError) {
        error.text = printable(&error.text, ERROR_SHOWN_MAX);
        match tag {
            DiskOp::Check(piece) => self.check_failed(cx, piece, error),
            DiskOp::Doubt(piece) => self.doubt_ends(cx, piece, Err(error)),
            DiskOp::Read(conn, range) => self.upload_unreadable(cx, conn, range, error),
            // nobody can be blamed without digests, and nothing is lost by that
            DiskOp::DigestsOfFailed(piece) => self.fetch_again(cx, piece),
            DiskOp::DigestsOfGood(_) => {}
            // the next save is told about
            DiskOp::Claim => {}
            DiskOp::Write(range) => {
                self.block_lost(cx, range.piece);
                self.disk_failed(cx, error);
            }
            DiskOp::Hash(piece) => {
                self.hash_failed(cx, piece, error.fault == DiskFault::Missing);
                self.disk_failed(cx, error);
            }
            DiskOp::Arrange => {
                self.misplaced = true;
                self.withdraw_claim(cx);
                self.disk_failed(cx, error);
            }
            DiskOp::Prepare => {
                self.withdraw_claim(cx);
                self.disk_failed(cx, error);
            }
            DiskOp::Open => self.disk_failed(cx, error),
            DiskOp::SaveResume if !matches!(self.phase, Phase::Stopping) => self.save_failed(cx, error),
            DiskOp::Sync | DiskOp::SaveResume => {
                self.resume_failed();
                if matches!(self.phase, Phase::Stopping) {
                    self.report(
                        cx,
                        Report::DiskFailed {
                            torrent: self.id,
                            error,
                            retry_at: None,
                        },
                    );
                    self.close_storage(cx);
                } else {
                    self.disk_failed(cx, error);
                }
            }
            DiskOp::LoadMetadata => self.metadata_not_loaded(cx, &error),
            DiskOp::SaveMetadata => self.metadata_not_saved(cx, &error),
            DiskOp::Close => self.disk_closed(cx),
        }
    }

    /// Storage failed: nothing more is fetched until it works again; what is there is still served.
    pub(super) fn disk_failed(&mut self, cx: &mut Context<'_>, error: DiskError) {
        if matches!(
            self.phase,
            Phase::DiskFailed { .. } | Phase::Failed { .. } | Phase::Stopping | Phase::Gone
        ) {
            return;
        }
        if matches!(self.phase, Phase::Checking(_)) {
            // what it has not come to is not known: everything is looked at again
            self.stamps.clear();
        }
        // a folder or a symlink in the way does not go away by waiting; the rest may
        let retry_at = match error.fault {
            DiskFault::InTheWay => None,
            DiskFault::Full | DiskFault::Missing | DiskFault::Denied | DiskFault::Io => {
                Some(cx.now + cx.config.disk_retry)
            }
        };
        let retry_at = if self.add.purpose == Purpose::Check {
            None
        } else {
            retry_at
        };
        self.report(
            cx,
            Report::DiskFailed {
                torrent: self.id,
                error: error.clone(),
                retry_at,
            },
        );
        self.release_everything(cx);
        self.enter(cx, Phase::DiskFailed { error, retry_at });
    }

    pub(super) fn disk_deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::DiskFailed { retry_at, .. } if !self.paused => *retry_at,
            Phase::Checking(checking) if !self.paused => checking.waits_for().map(|(_, at)| at),
            _ => None,
        }
    }

    pub(super) fn disk_timeout(&mut self, cx: &mut Context<'_>) {
        if self.disk_deadline().is_some_and(|at| cx.now >= at) {
            self.retry_disk(cx);
        }
    }

    /// Tries storage again: a check goes on, a torrent begins anew if its storage was never opened or went away, or makes
    /// its files if there is something to fetch, or hashes what could not be read.
    pub(super) fn retry_disk(&mut self, cx: &mut Context<'_>) {
        if matches!(self.phase, Phase::Checking(_)) {
            return self.check_again(cx);
        }
        let went_away =
            matches!(&self.phase, Phase::DiskFailed { error, .. } if error.fault == DiskFault::Missing);
        if self.stamps.is_empty() || went_away {
            // peers were told of what may not be there any more, or of nothing; they are dialled again behind the check
            self.just_learned = false;
            self.end_all(cx, crate::session::End::TorrentStopped);
            // what is there now may be another folder: nothing is made in it before it was looked at
            self.open(cx);
        } else if !self.is_complete() {
            self.prepare(cx);
        } else if self.hash_doubtful(cx) {
            if let Phase::DiskFailed { retry_at, .. } = &mut self.phase {
                *retry_at = Some(cx.now + cx.config.disk_retry);
            }
        } else {
            self.activate(cx);
        }
    }
}
