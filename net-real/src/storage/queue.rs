//! The order of one torrent's jobs: they take effect as if one after the other, and run side by side where that
//! makes no difference.

use std::collections::{BTreeMap, VecDeque};

/// What a job touches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scope {
    /// One piece; two jobs of a piece run side by side only when none of them writes.
    Piece {
        /// Which one.
        piece: u32,
        /// Whether the files change.
        writes: bool,
    },
    /// Everything: waits for all before it, and all behind it wait for it.
    Whole,
    /// What was done before it: waits for that, but nothing behind it has to wait. An `fsync` that takes seconds
    /// must not stop a download.
    Before,
}

/// A started job's number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Seq(u64);

/// Jobs of one torrent.
#[derive(Debug)]
pub(crate) struct Queue<J> {
    waiting: VecDeque<(Seq, Scope, J)>,
    running: Vec<(Seq, Scope)>,
    next: u64,
}

impl<J> Queue<J> {
    pub(crate) const fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            running: Vec::new(),
            next: 0,
        }
    }

    /// Takes a job; it is started by [`start`](Self::start).
    pub(crate) fn push(&mut self, scope: Scope, job: J) {
        let seq = Seq(self.next);
        self.next += 1;
        self.waiting.push_back((seq, scope, job));
    }

    /// The first job that may run now. It counts as running until [`finish`](Self::finish).
    pub(crate) fn start(&mut self) -> Option<(Seq, J)> {
        let index = self.ready()?;
        let (seq, scope, job) = self.waiting.remove(index)?;
        self.running.push((seq, scope));
        Some((seq, job))
    }

    /// A started job is over.
    pub(crate) fn finish(&mut self, seq: Seq) {
        self.running.retain(|(running, _)| *running != seq);
    }

    /// Whether a job that only reads this piece would run at once.
    pub(crate) fn may_read(&self, piece: u32) -> bool {
        let clear = |scope: &Scope| match *scope {
            Scope::Piece { piece: other, writes } => other != piece || !writes,
            Scope::Whole => false,
            Scope::Before => true,
        };
        self.running.iter().all(|(_, scope)| clear(scope))
            && self.waiting.iter().all(|(_, scope, _)| clear(scope))
    }

    fn ready(&self) -> Option<usize> {
        if self.running.iter().any(|(_, scope)| *scope == Scope::Whole) {
            return None;
        }
        // Pieces of jobs that are running or that wait further ahead, and whether one of them writes.
        let mut taken: BTreeMap<u32, bool> = BTreeMap::new();
        for (_, scope) in &self.running {
            take(&mut taken, *scope);
        }
        for (index, (seq, scope, _)) in self.waiting.iter().enumerate() {
            match *scope {
                Scope::Piece { piece, writes } => {
                    if taken.get(&piece).is_none_or(|wrote| !wrote && !writes) {
                        return Some(index);
                    }
                }
                Scope::Whole if index == 0 && self.running.is_empty() => return Some(index),
                Scope::Whole => return None,
                Scope::Before if index == 0 && self.running.iter().all(|(running, _)| running > seq) => {
                    return Some(index);
                }
                Scope::Before => {}
            }
            take(&mut taken, *scope);
        }
        None
    }
}

fn take(taken: &mut BTreeMap<u32, bool>, scope: Scope) {
    if let Scope::Piece { piece, writes } = scope {
        *taken.entry(piece).or_default() |= writes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn reads(piece: u32) -> Scope {
        Scope::Piece { piece, writes: false }
    }

    const fn writes(piece: u32) -> Scope {
        Scope::Piece { piece, writes: true }
    }

    /// Pushes `scopes`, starts what may start; the names are indices into `scopes`.
    fn check(scopes: &[Scope], started: &[usize]) -> (Queue<usize>, Vec<Seq>) {
        let mut queue = Queue::new();
        for (n, scope) in scopes.iter().enumerate() {
            queue.push(*scope, n);
        }
        let (seqs, names): (Vec<_>, Vec<_>) = std::iter::from_fn(|| queue.start()).unzip();
        assert_eq!(names, started, "{scopes:?}");
        (queue, seqs)
    }

    #[test]
    fn pieces_run_side_by_side_unless_one_writes() {
        check(&[writes(0), writes(1), reads(2), reads(2)], &[0, 1, 2, 3]);
        check(&[writes(0), reads(0), reads(1)], &[0, 2]);
        check(&[reads(0), writes(0), reads(0)], &[0]);
    }

    #[test]
    fn a_job_on_everything_waits_and_is_waited_for() {
        let (mut queue, seqs) = check(&[reads(0), Scope::Whole, reads(1)], &[0]);
        queue.finish(seqs[0]);
        let (seq, name) = queue.start().unwrap();
        assert_eq!(name, 1);
        assert!(queue.start().is_none());
        queue.finish(seq);
        assert_eq!(queue.start().map(|(_, name)| name), Some(2));
    }

    #[test]
    fn a_sync_waits_for_what_came_before_and_holds_nothing_up() {
        let (mut queue, seqs) = check(&[writes(0), Scope::Before, Scope::Before, writes(1)], &[0, 3]);
        queue.finish(seqs[0]);
        let (sync, name) = queue.start().unwrap();
        assert_eq!(name, 1, "although a later job runs");
        assert!(queue.start().is_none(), "saving waits for the sync before it");
        queue.finish(sync);
        assert_eq!(queue.start().map(|(_, name)| name), Some(2));
    }

    #[test]
    fn reads_know_when_they_would_run() {
        let (queue, _) = check(&[writes(0), Scope::Before], &[0]);
        assert!(queue.may_read(1));
        assert!(!queue.may_read(0));
        let (queue, _) = check(&[reads(0), Scope::Whole], &[0]);
        assert!(!queue.may_read(1));
    }
}
