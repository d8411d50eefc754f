//! Faults at numbered operations, so that each operation of a run can be made to fail once.
//!
//! An operation is a job that is carried out, or one write to the system on the way of a job. They are counted from the
//! beginning of the world.

use super::{DiskModel, jobs};
use seedbed_engine::disk::{DiskError, DiskFault};
use seedbed_engine::time::{Duration, Instant};

/// What an operation fails with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PointFault {
    /// No space left.
    Full,
    /// An I/O error.
    Io,
    /// The file system became read-only.
    ReadOnly,
    /// Half of the bytes are taken and the rest has no space: of writes to the system alone.
    Short,
}

impl PointFault {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Full, Self::Io, Self::ReadOnly, Self::Short];

    /// Whether an operation of this kind can fail like this at all.
    pub fn fits(self, kind: &str) -> bool {
        self != Self::Short || kind == WRITE_OUT
    }

    /// Whether all operations of this kind do while it lasts.
    fn spreads(self, kind: &str) -> bool {
        let changes = matches!(
            kind,
            WRITE_OUT | "prepare" | "write" | "arrange" | "sync" | "save" | "save-metadata"
        );
        match self {
            Self::Io => true,
            Self::Full | Self::ReadOnly => changes,
            Self::Short => kind == WRITE_OUT,
        }
    }

    fn error(self, kind: &str) -> DiskError {
        match self {
            Self::Full | Self::Short => jobs::error(DiskFault::Full, kind),
            Self::Io => jobs::error(DiskFault::Io, kind),
            Self::ReadOnly => DiskError {
                fault: DiskFault::Denied,
                text: format!("{kind}: Read-only file system (os error 30)"),
            },
        }
    }
}

/// A write to the system, beside the jobs.
pub(super) const WRITE_OUT: &str = "out";

/// One operation that fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Point {
    /// Which one, from 0.
    pub operation: u64,
    /// With what.
    pub fault: PointFault,
    /// How long all that follow fail, too; zero for that one alone.
    pub lasts: Duration,
}

/// The points of a disk and what came of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Points {
    /// Each with the time at which it began.
    list: Vec<(Point, Option<Instant>)>,
    /// Kinds of all operations so far, if anybody asks.
    kinds: Option<Vec<&'static str>>,
    count: u64,
}

impl Points {
    /// The next operation: what it fails with, if it does.
    pub(super) fn next(&mut self, now: Instant, kind: &'static str) -> Option<PointFault> {
        let number = self.count;
        self.count += 1;
        if let Some(kinds) = &mut self.kinds {
            kinds.push(kind);
        }
        let mut found = None;
        for (point, began) in &mut self.list {
            let fires = match began {
                None => number >= point.operation && point.fault.fits(kind),
                Some(began) => now < *began + point.lasts && point.fault.spreads(kind),
            };
            if fires {
                began.get_or_insert(now);
                found.get_or_insert(point.fault);
            }
        }
        found
    }

    /// Whether one may still fail.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        let over =
            |(point, began): &(Point, Option<Instant>)| began.is_some_and(|at| now >= at + point.lasts);
        self.list.iter().all(over)
    }
}

impl DiskModel {
    /// Plans that an operation fails.
    pub fn plan_point(&mut self, point: Point) {
        self.points.list.push((point, None));
    }

    /// Keeps the kinds of operations from now on.
    pub fn keep_operations(&mut self) {
        self.points.kinds = Some(Vec::new());
    }

    /// The kinds of all operations, if they were kept.
    pub fn operations(&self) -> &[&'static str] {
        self.points.kinds.as_deref().unwrap_or_default()
    }

    /// When the last of those that began is over, and whether all did and are over.
    pub fn points_over(&self, now: Instant) -> (Option<Instant>, bool) {
        let ends = self
            .points
            .list
            .iter()
            .filter_map(|(point, began)| began.map(|at| at + point.lasts));
        (ends.max(), self.points.is_over(now))
    }

    /// How many points began.
    pub fn points_begun(&self) -> usize {
        self.points
            .list
            .iter()
            .filter(|(_, began)| began.is_some())
            .count()
    }

    /// What the next operation fails with, as its error.
    pub(super) fn operation(&mut self, now: Instant, kind: &'static str) -> Result<(), DiskError> {
        self.points
            .next(now, kind)
            .map_or(Ok(()), |fault| Err(fault.error(kind)))
    }

    /// The same for a write to the system: how many of its bytes are taken before it fails.
    pub(super) fn write_operation(&mut self, now: Instant, length: usize) -> Result<(), (usize, DiskError)> {
        match self.points.next(now, WRITE_OUT) {
            None => Ok(()),
            Some(fault @ PointFault::Short) => Err((length / 2, fault.error(WRITE_OUT))),
            Some(fault @ (PointFault::Full | PointFault::Io | PointFault::ReadOnly)) => {
                Err((0, fault.error(WRITE_OUT)))
            }
        }
    }
}
