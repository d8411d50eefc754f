//! Carries out [`DiskJob`]s: received blocks wait in memory, under a ceiling, until their piece is complete; it is then
//! hashed and written by one job on another thread.
//!
//! Blocks are taken without a hop to another thread. A piece costs one hop and, if its blocks lie in one file, one
//! write a mebibyte. When memory runs short the pieces that were touched longest ago are written early, and read back
//! when they are hashed; a `Write` is then answered only when there is room again.
//!
//! # After an error
//! Nothing that was answered with `Written` is lost by a failed job: the blocks stay in memory. When the cause is gone,
//! the same `Hash`, or a `Sync`, or `Close`, writes them. A `Write` that is answered with an error was not taken.
//! `Sync` and `Close` write all blocks, also those of incomplete pieces.

mod arrange;
mod buffer;
mod descriptors;
mod fault;
mod files;
mod instant;
mod jobs;
mod queue;
mod saved;
mod walk;
mod windows;
mod work;

use crate::options::Preallocate;
use crate::pool::Pool;
use buffer::{Buffer, Stamp};
use descriptors::Descriptors;
use files::Files;
use jobs::{Completions, Job};
use queue::{Queue, Scope};
use seedbed_engine::block::Block;
use seedbed_engine::disk::{DiskDone, DiskError, DiskFault, DiskJob, Root};
use seedbed_engine::geometry::{BlockRange, Geometry};
use seedbed_engine::id::{InfoHash, OpId, PieceIndex, TorrentId};
use seedbed_engine::layout::Layout;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use windows::Windows;

/// The part of the memory ceiling that complete pieces may take while they wait to be hashed and written. When the disk
/// is behind, more of them in memory would not make it faster.
const BACKLOG: u64 = 64;

/// Limits and places of a [`Storage`].
#[derive(Clone, Debug)]
pub struct StorageOptions {
    /// Threads that hash, read and write; at least 1. One more syncs, opens and saves.
    pub threads: usize,
    /// Bytes of received blocks in memory before a `Write` has to wait. What waits comes on top; its asker bounds it.
    pub memory_ceiling: u64,
    /// Bytes kept of what was read for peers.
    pub read_cache: u64,
    /// How space for files is set aside.
    pub preallocate: Preallocate,
    /// Folder of the resume files.
    pub state_dir: PathBuf,
    /// Files open at a time, at least 1; each thread may have a few more in use.
    pub files_max: usize,
}

/// An answer to a job.
pub type Answer = (OpId, Result<DiskDone, DiskError>);

/// The storage of all torrents. Dropping it finishes the jobs that were started.
pub struct Storage {
    options: StorageOptions,
    torrents: BTreeMap<TorrentId, Torrent>,
    windows: Windows,
    answers: VecDeque<Answer>,
    /// Writes that are answered when there is room, in their order.
    unanswered: VecDeque<(OpId, TorrentId)>,
    /// Bytes in memory, without those of torrents whose storage fails: they would hold everybody else up.
    held: u64,
    /// Bytes among them that running or waiting jobs will free.
    leaving: u64,
    writes: Stamp,
    owners: u64,
    open: Arc<Descriptors>,
    completions: Arc<Completions>,
    /// Hashing, reading, writing.
    pool: Pool,
    /// What may take seconds and must not hold up hashing: syncing, opening, creating, saving.
    slow: Pool,
}

/// One opened torrent.
struct Torrent {
    owner: u64,
    files: Arc<Files>,
    state: PathBuf,
    info_hash: InfoHash,
    pieces: BTreeMap<PieceIndex, Buffer>,
    queue: Queue<Job>,
    /// Bytes in `pieces`.
    bytes: u64,
    /// The last write failed with this, and none succeeded since.
    failed: Option<DiskError>,
    /// A flush failed since `Sync` or `Close` was asked for.
    flush_failed: Option<DiskError>,
}

impl Storage {
    /// Starts the threads. `notify` is called from them when [`collect`](Self::collect) has something to do.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn new(options: StorageOptions, notify: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        Ok(Self {
            torrents: BTreeMap::new(),
            windows: Windows::new(options.read_cache),
            answers: VecDeque::new(),
            unanswered: VecDeque::new(),
            held: 0,
            leaving: 0,
            writes: Stamp::default(),
            owners: 0,
            open: Arc::new(Descriptors::new(options.files_max)),
            completions: Arc::new(Completions::new(notify)),
            pool: Pool::new("disk", options.threads)?,
            slow: Pool::new("disk-slow", 1)?,
            options,
        })
    }

    /// Takes a job. Its answer comes from [`poll_answer`](Self::poll_answer), now or later.
    pub fn submit(&mut self, op: OpId, torrent: TorrentId, job: DiskJob) {
        match job {
            DiskJob::Open {
                root,
                layout,
                geometry,
                info_hash,
            } => self.open(op, torrent, &root, layout, geometry, info_hash),
            DiskJob::Arrange { layout } => {
                self.enqueue(op, torrent, Scope::Whole, Job::Arrange { op, layout });
            }
            DiskJob::Prepare => self.enqueue(op, torrent, Scope::Whole, Job::Prepare { op }),
            DiskJob::Write { range, data } => self.write(op, torrent, range, data),
            DiskJob::Read { range } => self.read(op, torrent, range),
            DiskJob::Hash { piece } => self.hash(op, torrent, piece),
            DiskJob::Digests { piece } => {
                let scope = Scope::Piece {
                    piece: piece.0,
                    writes: false,
                };
                self.enqueue(op, torrent, scope, Job::Digests { op, piece });
            }
            DiskJob::Sync => {
                self.flush_all(torrent);
                self.enqueue(op, torrent, Scope::Before, Job::Sync { op });
            }
            DiskJob::SaveResume { data } => self.enqueue(op, torrent, Scope::Before, Job::Save { op, data }),
            DiskJob::LoadMetadata { info_hash } => {
                let path = saved::metadata_path(&self.options.state_dir, info_hash);
                self.apart(op, move || Ok(DiskDone::Metadata(saved::load(&path)?)));
            }
            DiskJob::SaveMetadata { info_hash, data } => {
                let path = saved::metadata_path(&self.options.state_dir, info_hash);
                self.apart(op, move || saved::save(&path, &data).map(|()| DiskDone::Saved));
            }
            DiskJob::Close => {
                self.flush_all(torrent);
                self.enqueue(op, torrent, Scope::Whole, Job::Close { op });
            }
        }
    }

    /// The next answer, if there is one.
    pub fn poll_answer(&mut self) -> Option<Answer> {
        self.answers.pop_front()
    }

    /// Bytes of received blocks in memory.
    pub fn bytes_held(&self) -> u64 {
        self.torrents.values().map(|torrent| torrent.bytes).sum()
    }

    fn answer(&mut self, op: OpId, result: Result<DiskDone, DiskError>) {
        self.answers.push_back((op, result));
    }

    fn open(
        &mut self,
        op: OpId,
        id: TorrentId,
        root: &Root,
        layout: Arc<Layout>,
        geometry: Geometry,
        info_hash: InfoHash,
    ) {
        if self.torrents.contains_key(&id) {
            return self.look_again(op, id, layout);
        }
        let root = Path::new(OsStr::from_bytes(&root.0));
        let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        self.owners += 1;
        let owner = self.owners;
        let torrent = Torrent {
            owner,
            state: saved::path(&self.options.state_dir, info_hash, &root),
            files: Arc::new(Files::new(
                owner,
                root,
                Arc::clone(&layout),
                geometry,
                Arc::clone(&self.open),
            )),
            info_hash,
            pieces: BTreeMap::new(),
            queue: Queue::new(),
            bytes: 0,
            failed: None,
            flush_failed: None,
        };
        tracing::debug!(torrent = %id, info_hash = %torrent.info_hash, root = ?torrent.files.root(), "open");
        self.torrents.insert(id, torrent);
        self.enqueue(op, id, Scope::Whole, Job::Open { op, layout });
    }

    /// A torrent is opened that is open: whoever asks has forgotten all that was taken, and so does this.
    fn look_again(&mut self, op: OpId, id: TorrentId, layout: Arc<Layout>) {
        self.set_failed(id, None);
        self.windows.forget_torrent(id);
        let held = self.torrents.get(&id).map(|torrent| &torrent.pieces);
        for piece in held.map_or_else(Vec::new, |held| held.keys().copied().collect()) {
            self.change(id, piece, Buffer::clear);
        }
        self.enqueue(op, id, Scope::Whole, Job::Open { op, layout });
    }

    fn enqueue(&mut self, op: OpId, id: TorrentId, scope: Scope, job: Job) {
        match self.torrents.get_mut(&id) {
            Some(torrent) => torrent.queue.push(scope, job),
            None => return self.answer(op, Err(misuse("is not open"))),
        }
        self.start_jobs(id);
    }

    fn write(&mut self, op: OpId, id: TorrentId, range: BlockRange, data: Block) {
        let Some(torrent) = self.torrents.get_mut(&id) else {
            return self.answer(op, Err(misuse("is not open")));
        };
        if !torrent.files.geometry().is_within(range) || data.len() != range.length as usize {
            return self.answer(op, Err(misuse("has no such block")));
        }
        if let Some(error) = &torrent.failed
            && torrent.bytes + u64::from(range.length) > self.options.memory_ceiling
        {
            let error = error.clone();
            return self.answer(op, Err(error));
        }
        self.windows.forget_piece(id, range.piece);
        self.writes.0 += 1;
        let now = self.writes;
        self.change(id, range.piece, |buffer| buffer.insert(range.begin, data, now));
        if self.is_short() {
            self.unanswered.push_back((op, id));
            self.relieve();
        } else {
            self.answer(op, Ok(DiskDone::Written));
        }
    }

    fn read(&mut self, op: OpId, id: TorrentId, range: BlockRange) {
        let within = self
            .torrents
            .get(&id)
            .is_some_and(|torrent| torrent.files.geometry().is_within(range));
        if !within {
            return self.answer(op, Err(misuse("has no such range")));
        }
        // Nearly always from memory or a window, without a job.
        if self
            .torrents
            .get(&id)
            .is_some_and(|torrent| torrent.queue.may_read(range.piece.0))
        {
            if let Some(job) = self.find(op, id, range) {
                let scope = Scope::Piece {
                    piece: range.piece.0,
                    writes: false,
                };
                self.enqueue(op, id, scope, job);
            }
            return;
        }
        let scope = Scope::Piece {
            piece: range.piece.0,
            writes: false,
        };
        self.enqueue(op, id, scope, Job::Read { op, range });
    }

    /// Answers a read from memory, or joins those who wait for a window, or says which job it takes.
    fn find(&mut self, op: OpId, id: TorrentId, range: BlockRange) -> Option<Job> {
        let torrent = self.torrents.get(&id)?;
        if let Some(buffer) = torrent.pieces.get(&range.piece) {
            match buffer.get(range) {
                Some(data) => self.answer(op, Ok(DiskDone::Read(data))),
                None => return Some(Job::ReadAlone { op, range }),
            }
            return None;
        }
        let length = torrent.files.geometry().length_of(range.piece);
        match self.windows.find(id, op, range, length) {
            windows::Found::Ready(data) => {
                self.answer(op, Ok(DiskDone::Read(data)));
                None
            }
            windows::Found::Waits => None,
            windows::Found::Load(key, window) => {
                let Some(data) = torrent.files.read_instantly(window) else {
                    return Some(Job::Window { key, range: window });
                };
                self.loaded(key, Ok(data));
                None
            }
            windows::Found::Alone => Some(Job::ReadAlone { op, range }),
        }
    }

    fn hash(&mut self, op: OpId, id: TorrentId, piece: PieceIndex) {
        let known = self
            .torrents
            .get(&id)
            .is_some_and(|torrent| torrent.files.geometry().contains(piece));
        if !known {
            return self.answer(op, Err(misuse("has no such piece")));
        }
        self.mark_leaving(id, piece);
        let scope = Scope::Piece {
            piece: piece.0,
            writes: true,
        };
        self.enqueue(op, id, scope, Job::Hash { op, piece });
    }

    /// Queues the writing of every block that the files lack.
    fn flush_all(&mut self, id: TorrentId) {
        let Some(torrent) = self.torrents.get_mut(&id) else {
            return;
        };
        torrent.flush_failed = None;
        let dirty = torrent.pieces.iter().filter(|(_, buffer)| buffer.is_dirty());
        for piece in dirty.map(|(piece, _)| *piece).collect::<Vec<_>>() {
            let scope = Scope::Piece {
                piece: piece.0,
                writes: true,
            };
            torrent.queue.push(scope, Job::Flush { piece });
        }
    }

    /// Changes the blocks of a piece and keeps the sums right.
    fn change(&mut self, id: TorrentId, piece: PieceIndex, change: impl FnOnce(&mut Buffer)) {
        let Some(torrent) = self.torrents.get_mut(&id) else {
            return;
        };
        let buffer = torrent.pieces.entry(piece).or_default();
        let (bytes, leaving) = (buffer.bytes(), buffer.leaving);
        change(buffer);
        buffer.leaving = buffer.leaving.min(buffer.bytes());
        let (bytes_now, leaving_now) = (buffer.bytes(), buffer.leaving);
        if buffer.is_empty() {
            torrent.pieces.remove(&piece);
        }
        torrent.bytes = torrent.bytes - bytes + bytes_now;
        self.leaving = self.leaving - leaving + leaving_now;
        if torrent.failed.is_none() {
            self.held = self.held - bytes + bytes_now;
        }
    }

    /// What a piece has in memory now will be freed by a job.
    fn mark_leaving(&mut self, id: TorrentId, piece: PieceIndex) {
        if self
            .torrents
            .get(&id)
            .is_some_and(|torrent| torrent.pieces.contains_key(&piece))
        {
            self.change(id, piece, |buffer| buffer.leaving = buffer.bytes());
        }
    }

    /// Whether a write has to wait: too much is in memory, or the disk is behind.
    const fn is_short(&self) -> bool {
        let ceiling = self.options.memory_ceiling;
        self.held > ceiling || self.leaving > ceiling / BACKLOG
    }

    /// Makes room when there are more bytes in memory than allowed, beyond those that are leaving anyway.
    fn relieve(&mut self) {
        let over =
            |storage: &Self| storage.held.saturating_sub(storage.leaving) > storage.options.memory_ceiling;
        if !over(self) {
            return;
        }
        // A quarter at once, so that this walk over all pieces in memory is rare.
        let target = self.options.memory_ceiling / 4 * 3;
        let mut pieces: Vec<_> = self
            .torrents
            .iter()
            .filter(|(_, torrent)| torrent.failed.is_none())
            .flat_map(|(id, torrent)| {
                torrent
                    .pieces
                    .iter()
                    .map(move |(piece, buffer)| (*id, *piece, buffer))
            })
            .filter(|(_, _, buffer)| buffer.leaving == 0)
            .map(|(id, piece, buffer)| (buffer.touched, id, piece))
            .collect();
        pieces.sort_unstable();
        for (_, id, piece) in pieces {
            if self.held.saturating_sub(self.leaving) <= target {
                break;
            }
            self.change(id, piece, Buffer::drop_clean);
            self.mark_leaving(id, piece);
            if let Some(torrent) = self
                .torrents
                .get_mut(&id)
                .filter(|torrent| torrent.pieces.contains_key(&piece))
            {
                let scope = Scope::Piece {
                    piece: piece.0,
                    writes: true,
                };
                torrent.queue.push(scope, Job::Evict { piece });
                self.start_jobs(id);
            }
        }
    }

    /// Answers the writes that waited for room.
    fn release(&mut self) {
        while let Some((op, id)) = self.unanswered.front().copied() {
            let failed = self.torrents.get(&id).map(|torrent| torrent.failed.clone());
            let result = match failed {
                None => Err(misuse("is closed")),
                Some(Some(error)) => Err(error),
                Some(None) if !self.is_short() => Ok(DiskDone::Written),
                Some(None) => break,
            };
            self.unanswered.pop_front();
            self.answer(op, result);
        }
    }
}

/// A job that makes no sense: the asker's mistake, told in a way that cannot be overlooked.
fn misuse(what: &str) -> DiskError {
    DiskError {
        fault: DiskFault::Io,
        text: format!("storage was asked wrongly: the torrent {what}"),
    }
}
