//! The storage of one torrent: jobs take effect in the order of their actions wherever that makes a difference, take
//! time, and fail as a scenario says.
//!
//! What storage owes the engine (`seedbed_engine::disk`): a block answered with `Written` is kept in memory until a
//! `Hash`, `Sync` or `Close` hands it to the operating system, and a failed job does not lose it; a block answered
//! with an error was not taken; when a `Hash` is answered, all of its piece is with the operating system.

mod fault;
mod files;
mod jobs;
mod point;
#[cfg(test)]
mod tests;

pub use files::{File, Files, Loss, Losses};
pub use point::{Point, PointFault};

use crate::marks::Marks;
use crate::sample::Sample;
use fault::Faults;
use point::Points;
use seedbed_engine::block::Block;
use seedbed_engine::disk::{DiskDone, DiskError, DiskJob};
use seedbed_engine::geometry::Geometry;
use seedbed_engine::id::{OpId, PieceIndex};
use seedbed_engine::layout::Layout;
use seedbed_engine::rng::Rng;
use seedbed_engine::time::{Duration, Instant};
use std::collections::BTreeMap;
use std::sync::Arc;

/// States that were saved, kept for a scenario that gives an old one back. The first is the stalest.
const SAVES_MAX: usize = 8;

/// How long jobs take. A block is taken into memory at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Speed {
    /// Every job but `Write`.
    job: Duration,
    /// `Write`.
    write: Duration,
    /// Further time, drawn anew for each job, at the most.
    jitter: Duration,
    /// `Hash` alone: further time.
    hash: Duration,
    /// Bytes a second of blocks that are written or read, if that is limited.
    rate: Option<u64>,
    /// One job at a time, however many there are.
    serial: bool,
}

impl Speed {
    /// How long a job takes by itself.
    fn of(&self, job: &DiskJob) -> Duration {
        let moved = |bytes: u32| {
            let rate = self.rate.filter(|rate| *rate > 0);
            rate.map_or(Duration::ZERO, |rate| {
                Duration::from_micros(u64::from(bytes) * 1_000_000 / rate)
            })
        };
        match job {
            DiskJob::Write { range, .. } => self.write + moved(range.length),
            DiskJob::Read { range } => self.job + moved(range.length),
            DiskJob::Hash { .. } => self.job + self.hash,
            _ => self.job,
        }
    }
}

impl Default for Speed {
    fn default() -> Self {
        Self {
            job: Duration::from_micros(200),
            write: Duration::ZERO,
            jitter: Duration::ZERO,
            hash: Duration::ZERO,
            rate: None,
            serial: false,
        }
    }
}

/// What a job touches, and so what it has to wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Scope {
    /// One piece, and whether it changes.
    Piece(PieceIndex, bool),
    /// Everything before it and everything behind it.
    Whole,
    /// Everything before it; what is behind it may overtake.
    Before,
}

/// The saved state, as programs see it and on the medium.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Saved {
    seen: Option<Vec<u8>>,
    medium: Option<Vec<u8>>,
    /// Every state that was saved, the oldest and the newest few.
    history: Vec<Vec<u8>>,
}

/// The storage of one torrent on one host.
#[derive(Clone, Debug)]
pub struct DiskModel {
    /// The files.
    pub files: Files,
    rng: Rng,
    speed: Speed,
    faults: Faults,
    points: Points,
    saved: Saved,

    /// Jobs under way, by when they are done.
    pending: BTreeMap<(Instant, u64), (OpId, DiskJob)>,
    submitted: u64,
    /// The number of the last job of this life.
    op_last: Option<OpId>,
    /// When the last job is done, if they go one at a time.
    busy_until: Instant,

    /// The info dictionary that was kept.
    metadata: Option<Vec<u8>>,
    opened: Option<(Arc<Layout>, Geometry)>,
    /// The last `Open` failed: a `Close` behind it was asked for before anybody knew.
    open_failed: bool,
    /// Blocks taken and not yet with the operating system.
    buffer: BTreeMap<PieceIndex, BTreeMap<u32, Block>>,
    /// Something changed content behind the engine's back, or broke a promise of durability.
    tampered: bool,
    /// What the engine did that it must not.
    violations: Vec<String>,
    done: BTreeMap<&'static str, u64>,
    /// What power losses took so far.
    losses: Losses,
    /// A planted bug: what is to be synced is not.
    forgetful: bool,
}

impl DiskModel {
    /// What is left to chance from now on is decided by this.
    pub(crate) fn draw_anew(&mut self, rng: Rng) {
        self.rng = rng;
    }

    /// An empty disk. `rng` decides what is left to chance.
    pub fn new(rng: Rng) -> Self {
        Self {
            files: Files::default(),
            rng,
            speed: Speed::default(),
            faults: Faults::default(),
            points: Points::default(),
            saved: Saved::default(),
            pending: BTreeMap::new(),
            submitted: 0,
            op_last: None,
            busy_until: Instant::START,
            metadata: None,
            opened: None,
            open_failed: false,
            buffer: BTreeMap::new(),
            tampered: false,
            violations: Vec::new(),
            done: BTreeMap::new(),
            losses: Losses::default(),
            forgetful: false,
        }
    }

    /// Puts all files of a torrent onto the disk, whole.
    pub fn fill(&mut self, sample: &Sample) {
        for file in sample.metainfo.layout.files().iter().filter(|file| !file.pad) {
            self.files.put(&file.path, sample.file_bytes(file));
        }
    }

    /// Whether every file of a torrent is there with the right bytes, and is as long as it should be.
    pub fn holds(&self, sample: &Sample) -> bool {
        let files = sample.metainfo.layout.files().iter().filter(|file| !file.pad);
        files.into_iter().all(|file| {
            let range = file.offset as usize..(file.offset + file.length) as usize;
            self.files.get(&file.path) == Some(&sample.content[range])
        })
    }

    /// Whether the bytes that programs see of a piece are the torrent's.
    pub fn holds_piece(&self, sample: &Sample, piece: PieceIndex) -> bool {
        let range = sample.range_of(piece);
        let opened = self.opened.as_ref().map(|(layout, _)| layout);
        let layout = opened.unwrap_or(&sample.metainfo.layout);
        if !layout.skips() {
            return self.holds_range(sample, range);
        }
        // what a file lacks that is not made lies elsewhere
        let mut at = range.start;
        layout.spans(range.start as u64..range.end as u64).all(|span| {
            let length = span.length as usize;
            let wanted = &sample.content[at..at + length];
            at += length;
            let file = &layout.files()[span.file];
            file.pad || self.files.read(&file.path, span.offset as usize, length) == Some(wanted)
        })
    }

    /// Whether the files have these bytes of the torrent, one behind the other: where each begins is added up here, since
    /// the engine's layout is among what is judged.
    fn holds_range(&self, sample: &Sample, range: std::ops::Range<usize>) -> bool {
        let mut begin = 0;
        sample.metainfo.layout.files().iter().all(|file| {
            let end = begin + file.length as usize;
            let common = range.start.max(begin)..range.end.min(end);
            let at = common.start.saturating_sub(begin);
            begin = end;
            let wanted = sample
                .content
                .get(common)
                .filter(|wanted| !wanted.is_empty() && !file.pad);
            wanted.is_none_or(|wanted| self.files.read(&file.path, at, wanted.len()) == Some(wanted))
        })
    }

    /// Whether a scenario changed content behind the engine's back, or broke a promise of durability: then what the
    /// engine believes of the disk may be wrong without its fault.
    pub const fn is_tampered(&self) -> bool {
        self.tampered
    }

    /// What the engine did that no engine may: a job before `Open` or behind `Close`, a block that the torrent does
    /// not have, a job number used twice.
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Jobs that were answered, by kind.
    pub fn done(&self, kind: &str) -> u64 {
        self.done.get(kind).copied().unwrap_or(0)
    }

    /// Jobs under way.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// The saved state as a program sees it.
    pub fn resume(&self) -> Option<&[u8]> {
        self.saved.seen.as_deref()
    }

    /// Whether a fault is at work or may yet come.
    pub fn is_healthy(&self, now: Instant) -> bool {
        self.faults.is_empty() && self.files.capacity.is_none() && self.points.is_over(now)
    }

    /// Whether every file of the torrent would still be there and right if the power went now.
    pub fn holds_durably(&self, sample: &Sample) -> bool {
        let mut medium = self.files.clone();
        let everything = Loss {
            lost: 1000,
            torn: false,
        };
        medium.lose(everything, &mut self.rng.clone());
        let mut files = sample.metainfo.layout.files().iter().filter(|file| !file.pad);
        files.all(|file| medium.get(&file.path) == Some(&sample.file_bytes(file)[..]))
    }

    /// What power losses took so far.
    pub const fn losses(&self) -> Losses {
        self.losses
    }

    /// Whether what makes the state durable is under way.
    pub fn is_saving(&self) -> bool {
        let saves = |job: &DiskJob| matches!(job, DiskJob::Sync | DiskJob::SaveResume { .. });
        self.pending.values().any(|(_, job)| saves(job))
    }

    /// Plants a bug, to try whether it is found: nothing is synced, as if the engine saved its state without that.
    pub const fn plant_forgotten_sync(&mut self) {
        self.forgetful = true;
    }

    /// Takes a job; it is done at [`DiskModel::deadline`] or later.
    pub fn submit(&mut self, now: Instant, op: OpId, job: DiskJob) {
        if self.op_last.replace(op).is_some_and(|last| op <= last) {
            self.violations.push(format!("job {} was asked for twice", op.0));
        }
        let base = self.speed.of(&job);
        let jitter = match self.speed.jitter {
            Duration::ZERO => Duration::ZERO,
            most => self.rng.jitter(most),
        };
        let mut begin = now;
        if self.speed.serial {
            begin = begin.max(self.busy_until);
        }
        let mut due = begin + base + jitter;
        let scope = scope(&job);
        // only those that would be done later can hold it up
        for ((other_due, _), (_, other)) in self.pending.range((due, u64::MAX)..) {
            if must_wait(scope, self::scope(other)) {
                due = *other_due;
            }
        }
        self.busy_until = self.busy_until.max(due);
        self.submitted += 1;
        self.pending.insert((due, self.submitted), (op, job));
    }

    /// When the next job is done.
    pub fn deadline(&self) -> Option<Instant> {
        self.pending.first_key_value().map(|((due, _), _)| *due)
    }

    /// The answer to the next job that is done by now.
    pub fn poll(&mut self, now: Instant, marks: &mut Marks) -> Option<(OpId, Result<DiskDone, DiskError>)> {
        let first = self.pending.first_entry().filter(|entry| entry.key().0 <= now)?;
        let (key, (op, job)) = first.remove_entry();
        let unordered = self.speed.jitter > Duration::ZERO || self.speed.hash > Duration::ZERO;
        if unordered && self.pending.keys().any(|(_, number)| *number < key.1) {
            marks.hit("disk-overtakes");
        }
        *self.done.entry(kind(&job)).or_default() += 1;
        Some((op, self.execute(now, job, marks)))
    }

    /// The process dies: what it held in memory is gone. Jobs under way may have had their effect, in their order.
    pub fn die(&mut self, now: Instant, marks: &mut Marks) {
        let pending = core::mem::take(&mut self.pending);
        for (_, (_, job)) in pending {
            if self.rng.chance(1, 2) {
                break;
            }
            // the answer reaches nobody
            let _ = self.execute(now, job, marks);
        }
        self.buffer.clear();
        self.opened = None;
        self.op_last = None;
        self.busy_until = now;
    }

    /// The power goes, after [`DiskModel::die`]: writes that were not synced may be lost, wholly or in part.
    pub fn lose_power(&mut self, loss: Loss, marks: &mut Marks) {
        let lied = self.faults.has_lied();
        if self.files.is_dirty() {
            marks.hit(if loss.torn {
                "torn-write"
            } else {
                "power-loss-loses"
            });
        }
        if lied {
            marks.hit("lying-fsync-loses");
            self.tampered = true;
        }
        self.losses.add(self.files.lose(loss, &mut self.rng));
        self.saved.seen = self.saved.medium.clone();
    }
}

const fn scope(job: &DiskJob) -> Scope {
    match job {
        DiskJob::Open { .. }
        | DiskJob::Arrange { .. }
        | DiskJob::Prepare
        | DiskJob::LoadMetadata { .. }
        | DiskJob::Close => Scope::Whole,
        DiskJob::Write { range, .. } => Scope::Piece(range.piece, true),
        DiskJob::Hash { piece } => Scope::Piece(*piece, true),
        DiskJob::Read { range } => Scope::Piece(range.piece, false),
        DiskJob::Digests { piece } => Scope::Piece(*piece, false),
        DiskJob::Sync | DiskJob::SaveResume { .. } | DiskJob::SaveMetadata { .. } => Scope::Before,
    }
}

/// Whether a job has to wait for an earlier one.
fn must_wait(scope: Scope, earlier: Scope) -> bool {
    match (scope, earlier) {
        (Scope::Whole | Scope::Before, _) | (Scope::Piece(..), Scope::Whole) => true,
        (Scope::Piece(..), Scope::Before) => false,
        (Scope::Piece(piece, writes), Scope::Piece(other, wrote)) => piece == other && (writes || wrote),
    }
}

const fn kind(job: &DiskJob) -> &'static str {
    match job {
        DiskJob::Open { .. } => "open",
        DiskJob::Arrange { .. } => "arrange",
        DiskJob::Prepare => "prepare",
        DiskJob::Write { .. } => "write",
        DiskJob::Read { .. } => "read",
        DiskJob::Hash { .. } => "hash",
        DiskJob::Digests { .. } => "digests",
        DiskJob::Sync => "sync",
        DiskJob::SaveResume { .. } => "save",
        DiskJob::LoadMetadata { .. } => "load-metadata",
        DiskJob::SaveMetadata { .. } => "save-metadata",
        DiskJob::Close => "close",
    }
}
