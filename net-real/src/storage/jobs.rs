//! Jobs on their way to the threads and back.

use super::buffer::{Buffer, Stamp};
use super::files::Files;
use super::queue::Seq;
use super::windows::Key;
use super::{Storage, Torrent, arrange, saved, work};
use seedbed_engine::block::Block;
use seedbed_engine::disk::{DiskDone, DiskError};
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::{OpId, PieceIndex, Sha1Digest, TorrentId};
use seedbed_engine::layout::Layout;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

/// A job in the queue of its torrent.
#[derive(Debug)]
pub(super) enum Job {
    Open {
        op: OpId,
        layout: Arc<Layout>,
    },
    Arrange {
        op: OpId,
        layout: Arc<Layout>,
    },
    Prepare {
        op: OpId,
    },
    Hash {
        op: OpId,
        piece: PieceIndex,
    },
    Digests {
        op: OpId,
        piece: PieceIndex,
    },
    /// A read that has not been looked up yet.
    Read {
        op: OpId,
        range: BlockRange,
    },
    /// A read past the windows.
    ReadAlone {
        op: OpId,
        range: BlockRange,
    },
    Window {
        key: Key,
        range: BlockRange,
    },
    /// Writes what the files lack of a piece and keeps it in memory.
    Flush {
        piece: PieceIndex,
    },
    /// Writes what the files lack of a piece and forgets it.
    Evict {
        piece: PieceIndex,
    },
    Sync {
        op: OpId,
    },
    Save {
        op: OpId,
        data: Vec<u8>,
    },
    Close {
        op: OpId,
    },
}

/// What a thread hands back.
#[derive(Debug)]
enum Outcome {
    /// Nothing but the answer.
    Answer(OpId, Result<DiskDone, DiskError>),
    Opened(OpId, Files, Result<DiskDone, DiskError>),
    Arranged(OpId, Result<Files, DiskError>),
    Prepared(OpId, Result<(), DiskError>),
    /// A piece was written, and hashed if somebody asked for that.
    Piece {
        piece: PieceIndex,
        upto: Stamp,
        keep: bool,
        /// Who asked for the hash.
        op: Option<OpId>,
        result: Result<Option<Sha1Digest>, DiskError>,
    },
    Window(Key, Result<Block, DiskError>),
    Closed(OpId),
}

#[derive(Debug)]
struct Done {
    torrent: TorrentId,
    owner: u64,
    seq: Seq,
    outcome: Outcome,
}

/// What the threads have done and nobody has looked at yet.
pub(super) struct Completions {
    done: Mutex<Vec<Done>>,
    /// Answers to jobs that are of no open torrent.
    apart: Mutex<Vec<super::Answer>>,
    notify: Box<dyn Fn() + Send + Sync>,
}

impl Completions {
    pub(super) fn new(notify: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            done: Mutex::default(),
            apart: Mutex::default(),
            notify: Box::new(notify),
        }
    }

    fn push(&self, done: Done) {
        let mut all = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(done);
        let first = all.len() == 1;
        drop(all);
        // Whoever comes second is seen together with the first.
        if first {
            (self.notify)();
        }
    }

    fn push_apart(&self, answer: super::Answer) {
        let mut all = self.apart.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(answer);
        drop(all);
        (self.notify)();
    }

    fn take_apart(&self) -> Vec<super::Answer> {
        mem::take(&mut *self.apart.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn take(&self) -> Vec<Done> {
        mem::take(&mut *self.done.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Storage {
    /// Runs a job that needs no file of a torrent.
    pub(super) fn apart(&self, op: OpId, job: impl FnOnce() -> Result<DiskDone, DiskError> + Send + 'static) {
        let completions = Arc::clone(&self.completions);
        self.slow.run(move || completions.push_apart((op, job())));
    }

    /// Takes what the threads have done. Call it after `notify`.
    pub fn collect(&mut self) {
        for (op, result) in self.completions.take_apart() {
            self.answer(op, result);
        }
        for done in self.completions.take() {
            let Some(torrent) = self
                .torrents
                .get_mut(&done.torrent)
                .filter(|torrent| torrent.owner == done.owner)
            else {
                continue;
            };
            torrent.queue.finish(done.seq);
            self.finish(done.torrent, done.outcome);
            self.start_jobs(done.torrent);
        }
        self.relieve();
        self.release();
    }

    fn finish(&mut self, id: TorrentId, outcome: Outcome) {
        match outcome {
            Outcome::Answer(op, result) => self.answer(op, result),
            Outcome::Opened(op, files, result) => {
                self.lie_in(id, files);
                self.answer(op, result);
            }
            Outcome::Arranged(op, result) => {
                let result = result.map(|files| {
                    self.lie_in(id, files);
                    DiskDone::Arranged
                });
                self.answer(op, result);
            }
            Outcome::Prepared(op, result) => {
                if result.is_ok() {
                    self.set_failed(id, None);
                }
                self.answer(op, result.map(|()| DiskDone::Prepared));
            }
            Outcome::Piece {
                piece,
                upto,
                keep,
                op,
                result,
            } => {
                match &result {
                    Ok(_) => {
                        self.set_failed(id, None);
                        self.change(id, piece, |buffer| written(buffer, upto, keep));
                    }
                    Err(error) => {
                        self.change(id, piece, |buffer| buffer.leaving = 0);
                        self.piece_failed(id, piece, error);
                    }
                }
                if let Some(op) = op {
                    self.windows.forget_piece(id, piece);
                    self.answer(
                        op,
                        result.map(|digest| DiskDone::Hash(digest.unwrap_or_default())),
                    );
                }
            }
            Outcome::Window(key, result) => self.loaded(key, result),
            Outcome::Closed(op) => self.closed(id, op),
        }
    }

    /// The bytes of a torrent lie in these files from now on.
    fn lie_in(&mut self, id: TorrentId, files: Files) {
        if let Some(torrent) = self.torrents.get_mut(&id) {
            torrent.files = Arc::new(files);
        }
    }

    /// A window was read, or could not be: answers all who waited for it.
    pub(super) fn loaded(&mut self, key: Key, result: Result<Block, DiskError>) {
        match result {
            Ok(data) => {
                for (op, block) in self.windows.loaded(key, data) {
                    self.answer(op, Ok(DiskDone::Read(block)));
                }
            }
            Err(error) => {
                for op in self.windows.failed(key) {
                    self.answer(op, Err(error.clone()));
                }
            }
        }
    }

    /// A piece could not be written or read. Only when blocks are stuck in memory is it a failure to write.
    fn piece_failed(&mut self, id: TorrentId, piece: PieceIndex, error: &DiskError) {
        let Some(torrent) = self.torrents.get_mut(&id) else {
            return;
        };
        if torrent.pieces.get(&piece).is_some_and(Buffer::is_dirty) {
            tracing::debug!(torrent = %id, %piece, %error, "blocks stay in memory");
            torrent.flush_failed = Some(error.clone());
            self.set_failed(id, Some(error.clone()));
        }
    }

    /// Remembers whether writing works. The bytes of a torrent that cannot write do not count against the others.
    pub(super) fn set_failed(&mut self, id: TorrentId, failed: Option<DiskError>) {
        let Some(torrent) = self.torrents.get_mut(&id) else {
            return;
        };
        match (&torrent.failed, &failed) {
            (None, Some(_)) => self.held -= torrent.bytes,
            (Some(_), None) => self.held += torrent.bytes,
            _ => {}
        }
        torrent.failed = failed;
    }

    fn closed(&mut self, id: TorrentId, op: OpId) {
        self.windows.forget_torrent(id);
        let mut result = Ok(DiskDone::Closed);
        if let Some(mut torrent) = self.torrents.remove(&id) {
            self.leaving -= torrent.pieces.values().map(|buffer| buffer.leaving).sum::<u64>();
            if torrent.failed.is_none() {
                self.held -= torrent.bytes;
            }
            if let Some(error) = torrent.flush_failed.take() {
                result = Err(error);
            }
        }
        self.answer(op, result);
    }

    /// Starts whatever may run now.
    pub(super) fn start_jobs(&mut self, id: TorrentId) {
        while let Some((seq, job)) = self
            .torrents
            .get_mut(&id)
            .and_then(|torrent| torrent.queue.start())
        {
            let job = match job {
                // It had to wait; what it reads may be in memory now.
                Job::Read { op, range } => match self.find(op, id, range) {
                    Some(job) => job,
                    None => {
                        if let Some(torrent) = self.torrents.get_mut(&id) {
                            torrent.queue.finish(seq);
                        }
                        continue;
                    }
                },
                job => job,
            };
            let Some(torrent) = self.torrents.get_mut(&id) else {
                return;
            };
            let slow = matches!(
                job,
                Job::Open { .. }
                    | Job::Arrange { .. }
                    | Job::Prepare { .. }
                    | Job::Sync { .. }
                    | Job::Save { .. }
                    | Job::Close { .. }
            );
            let run = torrent.prepare_job(job, self.writes, self.options.preallocate);
            let done = Handover {
                torrent: id,
                owner: torrent.owner,
                seq,
                completions: Arc::clone(&self.completions),
            };
            let pool = if slow { &self.slow } else { &self.pool };
            pool.run(move || done.hand_over(run()));
        }
    }
}

/// The blocks that came until `upto` are on the disk.
fn written(buffer: &mut Buffer, upto: Stamp, keep: bool) {
    buffer.clean(upto);
    if !keep {
        buffer.drop_clean();
    }
    buffer.leaving = 0;
}

/// The way back of one job.
struct Handover {
    torrent: TorrentId,
    owner: u64,
    seq: Seq,
    completions: Arc<Completions>,
}

impl Handover {
    fn hand_over(self, outcome: Outcome) {
        self.completions.push(Done {
            torrent: self.torrent,
            owner: self.owner,
            seq: self.seq,
            outcome,
        });
    }
}

type Run = Box<dyn FnOnce() -> Outcome + Send>;

impl Torrent {
    /// Everything that a thread needs for a job.
    fn prepare_job(&mut self, job: Job, upto: Stamp, preallocate: crate::options::Preallocate) -> Run {
        let files = Arc::clone(&self.files);
        let lend = |piece: PieceIndex| self.pieces.get(&piece).map_or_else(Vec::new, Buffer::lend);
        match job {
            Job::Open { op, layout } => {
                let state = self.state.clone();
                Box::new(move || {
                    let files = files.laid_out(layout);
                    let result = open(&files, &state);
                    Outcome::Opened(op, files, result)
                })
            }
            Job::Arrange { op, layout } => {
                Box::new(move || Outcome::Arranged(op, arrange::arrange(&files, layout)))
            }
            Job::Prepare { op } => Box::new(move || Outcome::Prepared(op, files.prepare(preallocate))),
            Job::Hash { op, piece } => {
                let held = lend(piece);
                Box::new(move || Outcome::Piece {
                    piece,
                    upto,
                    keep: false,
                    op: Some(op),
                    result: work::hash(&files, piece.0, &held).map(Some),
                })
            }
            Job::Flush { piece } => flush(files, piece, lend(piece), upto, true),
            Job::Evict { piece } => flush(files, piece, lend(piece), upto, false),
            Job::Digests { op, piece } => {
                let held = lend(piece);
                Box::new(move || {
                    Outcome::Answer(op, work::digests(&files, piece.0, &held).map(DiskDone::Digests))
                })
            }
            Job::Read { op, range } | Job::ReadAlone { op, range } => {
                let held = lend(range.piece);
                Box::new(move || Outcome::Answer(op, work::read(&files, range, &held).map(DiskDone::Read)))
            }
            Job::Window { key, range } => {
                Box::new(move || Outcome::Window(key, work::read(&files, range, &[])))
            }
            Job::Sync { op } => {
                let failed = self.flush_failed.take();
                Box::new(move || Outcome::Answer(op, failed.map_or_else(|| sync(&files), Err)))
            }
            Job::Save { op, data } => {
                let state = self.state.clone();
                Box::new(move || Outcome::Answer(op, saved::save(&state, &data).map(|()| DiskDone::Saved)))
            }
            Job::Close { op } => Box::new(move || {
                files.close();
                Outcome::Closed(op)
            }),
        }
    }
}

fn flush(files: Arc<Files>, piece: PieceIndex, held: Vec<work::Held>, upto: Stamp, keep: bool) -> Run {
    Box::new(move || Outcome::Piece {
        piece,
        upto,
        keep,
        op: None,
        result: work::flush(&files, piece.0, &held).map(|()| None),
    })
}

fn open(files: &Files, state: &std::path::Path) -> Result<DiskDone, DiskError> {
    Ok(DiskDone::Opened {
        files: files.look()?,
        resume: saved::load(state)?,
    })
}

fn sync(files: &Files) -> Result<DiskDone, DiskError> {
    files.sync()?;
    Ok(DiskDone::Synced {
        files: files.stamps()?,
    })
}
