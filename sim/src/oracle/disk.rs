//! Jobs for the disk and what comes of them.

use super::table::Oracle;
use super::watch::Watch;
use seedbed_engine::bitfield::Bitfield;
use seedbed_engine::disk::{DiskDone, DiskError, DiskJob};
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::{OpId, PieceIndex};
use seedbed_engine::resume::Resume;

/// Bytes beyond the engine's limit of unwritten blocks: what its connections may deliver before they have no budget.
const READ_AHEAD: u64 = 1024 * 1024;

/// A job or a lookup under way.
#[derive(Clone, Debug)]
pub(crate) enum Job {
    Resolve,
    Open,
    Write(BlockRange),
    Read(BlockRange),
    Hash(PieceIndex),
    Digests(PieceIndex),
    /// With what was proven when it was asked for.
    Sync(Bitfield),
    Other,
}

impl Watch {
    /// I27: a number is given once.
    pub(crate) fn op(&mut self, op: OpId, job: Job) {
        let new = self.op_last.is_none_or(|last| op > last);
        self.verdicts
            .check(Oracle::I27, new, || format!("job number {} is used again", op.0));
        self.op_last = self.op_last.max(Some(op));
        self.ops.insert(op, job);
    }

    pub(crate) fn disk_job(&mut self, op: OpId, job: &DiskJob) {
        let job = match job {
            DiskJob::Open { layout, .. } => {
                for file in layout.files() {
                    let bad = |part: &str| part.is_empty() || part == "." || part == "..";
                    let within = !file.path.split('/').any(bad) && !file.path.contains(['\0', '\\']);
                    self.verdicts.check(Oracle::I4, within || file.pad, || {
                        format!("a file at {:?}", file.path)
                    });
                }
                Job::Open
            }
            DiskJob::Write { range, data } => {
                self.writes(*range, data.as_bytes());
                Job::Write(*range)
            }
            DiskJob::Read { range } => Job::Read(*range),
            DiskJob::Hash { piece } => {
                self.moment("hash", None);
                Job::Hash(*piece)
            }
            DiskJob::Digests { piece } => Job::Digests(*piece),
            DiskJob::Sync => Job::Sync(self.proven.clone()),
            DiskJob::SaveResume { data } => {
                self.saves(data);
                Job::Other
            }
            DiskJob::SaveMetadata { data, .. } => {
                self.keeps_metadata(data);
                Job::Other
            }
            DiskJob::Arrange { .. } | DiskJob::Prepare | DiskJob::LoadMetadata { .. } | DiskJob::Close => {
                Job::Other
            }
        };
        self.op(op, job);
    }

    fn writes(&mut self, range: BlockRange, data: &[u8]) {
        let whole = self.is_block(range) && data.len() == range.length as usize;
        self.verdicts.check(Oracle::I4, whole, || {
            format!("{} bytes are written as {range}", data.len())
        });
        if !self.have.is_empty() {
            let kept = !self.have.contains(range.piece);
            self.verdicts.check(Oracle::I5, kept, || {
                format!("{range} is written, its piece was verified")
            });
        }
        self.heard_stored(data.len() as u64);
        self.writing += data.len() as u64;
        self.traffic.written += data.len() as u64;
        let (writing, bound) = (self.writing, self.setup.config.disk_bytes_in_flight_max);
        self.verdicts
            .check(Oracle::I18, writing <= bound + READ_AHEAD, || {
                format!("{writing} bytes wait to be written, {bound} may")
            });
        let from = self.speaker.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED.into());
        if !self.blocks.came(range, from, self.now) {
            // the piece was given up without a word, as after a disk error
            self.blocks.forget(range.piece);
            self.blocks.came(range, from, self.now);
        }
        self.written.push(range);
        self.moment("write", None);
    }

    /// While the disk is behind, nothing is read from peers, and what they owe has time.
    fn note_backlog(&mut self) {
        if self.writing > self.setup.config.disk_bytes_in_flight_max / 2 {
            self.backlog_at = self.now;
        }
    }

    /// I30: a saved state.
    fn saves(&mut self, data: &[u8]) {
        self.moment("save", None);
        let pieces = self.geometry.pieces();
        let saved = Resume::decode(data, self.setup.metainfo.info_hash, pieces);
        let too_many = saved.as_ref().map(|saved| saved.have.count_without(&self.synced));
        self.verdicts.check(Oracle::I30, too_many == Ok(0), || {
            format!("the saved state has {too_many:?} pieces that were not synced")
        });
    }

    /// Which piece a job hashes, if it does.
    pub(crate) fn hashes(&self, op: OpId) -> Option<PieceIndex> {
        match self.ops.get(&op) {
            Some(Job::Hash(piece)) => Some(*piece),
            _ => None,
        }
    }

    pub(crate) fn disk_done(&mut self, op: OpId, result: &Result<DiskDone, DiskError>) {
        let Some(job) = self.ops.remove(&op) else { return };
        if let Job::Write(range) = &job {
            self.note_backlog();
            self.writing = self.writing.saturating_sub(u64::from(range.length));
        }
        match (job, result) {
            (Job::Hash(piece), Ok(DiskDone::Hash(digest))) => {
                if self.setup.metainfo.piece_hash(piece) == Some(*digest) {
                    self.proven.insert(piece);
                } else {
                    // one that was had is doubted only by a check of what is there
                    self.may_shrink |= self.have.contains(piece);
                    self.blocks.doubt(piece);
                    self.blocks.failed(piece);
                }
            }
            (Job::Digests(piece), _) if !self.have.contains(piece) => self.blocks.forget(piece),
            (Job::Sync(proven), Ok(DiskDone::Synced { .. })) => {
                for piece in proven.iter() {
                    self.synced.insert(piece);
                }
            }
            (Job::Write(range), Err(_)) => {
                self.may_shrink = true;
                self.disk_errors = true;
                self.blocks.lost(range);
            }
            (Job::Hash(piece), Err(_)) => {
                self.may_shrink = true;
                self.disk_errors = true;
                self.blocks.doubt(piece);
            }
            (Job::Read(range), Err(_)) => {
                self.may_shrink = true;
                self.disk_errors = true;
                self.have.remove(range.piece);
                self.blocks.forget(range.piece);
            }
            (_, Err(_)) => {
                self.may_shrink = true;
                self.disk_errors = true;
            }
            _ => {}
        }
    }
}
