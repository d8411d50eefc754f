//! A storage on a temporary folder, asked job by job.

use seedbed::Preallocate;
use seedbed::engine::block::Block;
use seedbed::engine::disk::{DiskDone, DiskError, DiskJob, FileStamp, Root};
use seedbed::engine::geometry::{BlockRange, Geometry};
use seedbed::engine::id::{InfoHash, OpId, PieceIndex, Sha1Digest, TorrentId};
use seedbed::engine::layout::{Layout, LayoutFile};
use seedbed::storage::{Answer, Storage, StorageOptions};
use sha1::{Digest as _, Sha1};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) const BLOCK: u32 = 16 * 1024;
pub(crate) const TORRENT: TorrentId = TorrentId(1);

/// The stamps of the files, and the saved state.
type Opened = (Vec<Option<FileStamp>>, Option<Vec<u8>>);

/// A storage, a torrent with known bytes, and the answers that were not asked for yet.
pub(crate) struct Rig {
    pub(crate) storage: Storage,
    pub(crate) folder: TempDir,
    pub(crate) root: PathBuf,
    pub(crate) content: Vec<u8>,
    pub(crate) geometry: Geometry,
    layout: Arc<Layout>,
    answers: Vec<Answer>,
    ops: u64,
}

pub(crate) fn options(state_dir: &Path) -> StorageOptions {
    StorageOptions {
        threads: 2,
        memory_ceiling: 1024 * 1024,
        read_cache: 1024 * 1024,
        preallocate: Preallocate::None,
        state_dir: state_dir.to_owned(),
        files_max: 4,
    }
}

impl Rig {
    /// Files as `(path, length)`, a path of `""` for a pad file; pieces of two blocks.
    pub(crate) fn new(files: &[(&str, u64)]) -> Self {
        Self::with(files, 2 * BLOCK, |_| {})
    }

    pub(crate) fn with(
        files: &[(&str, u64)],
        piece_length: u32,
        change: impl FnOnce(&mut StorageOptions),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("out");
        Self::at(folder, root, files, piece_length, change)
    }

    pub(crate) fn at(
        folder: TempDir,
        root: PathBuf,
        files: &[(&str, u64)],
        piece_length: u32,
        change: impl FnOnce(&mut StorageOptions),
    ) -> Self {
        let mut options = options(&folder.path().join("state"));
        change(&mut options);
        let layout = files
            .iter()
            .map(|(path, length)| match *path {
                "" => LayoutFile::pad(".pad".into(), *length),
                path => LayoutFile::data(path.into(), *length),
            })
            .collect();
        let layout = Layout::new(layout).unwrap();
        let mut content: Vec<u8> = (0..layout.total()).map(|n| (n * 7 + n / 251) as u8).collect();
        for pad in layout.files().iter().filter(|file| file.pad) {
            content[pad.offset as usize..][..pad.length as usize].fill(0);
        }
        let thread = std::thread::current();
        Self {
            storage: Storage::new(options, move || thread.unpark()).unwrap(),
            geometry: Geometry::new(layout.total(), piece_length.into(), BLOCK).unwrap(),
            layout: Arc::new(layout),
            folder,
            root,
            content,
            answers: Vec::new(),
            ops: 0,
        }
    }

    pub(crate) fn submit(&mut self, job: DiskJob) -> OpId {
        self.ops += 1;
        let op = OpId(self.ops);
        self.storage.submit(op, TORRENT, job);
        op
    }

    /// Whether this job is answered already; takes no time.
    pub(crate) fn answered(&mut self, op: OpId) -> bool {
        self.storage.collect();
        self.polled(op)
    }

    /// Whether this job was answered by the time of the last call that looks at what the threads have done.
    pub(crate) fn polled(&mut self, op: OpId) -> bool {
        self.answers
            .extend(std::iter::from_fn(|| self.storage.poll_answer()));
        self.answers.iter().any(|(other, _)| *other == op)
    }

    pub(crate) fn wait(&mut self, op: OpId) -> Result<DiskDone, DiskError> {
        let patience = Instant::now() + Duration::from_secs(20);
        while !self.answered(op) {
            assert!(Instant::now() < patience, "{op:?} is never answered");
            std::thread::park_timeout(Duration::from_millis(20));
        }
        let index = self.answers.iter().position(|(other, _)| *other == op).unwrap();
        self.answers.remove(index).1
    }

    pub(crate) fn ask(&mut self, job: DiskJob) -> Result<DiskDone, DiskError> {
        let op = self.submit(job);
        self.wait(op)
    }

    pub(crate) fn open_job(&self) -> DiskJob {
        DiskJob::Open {
            root: Root(self.root.as_os_str().as_bytes().into()),
            layout: Arc::clone(&self.layout),
            geometry: self.geometry,
            info_hash: InfoHash([7; 20]),
        }
    }

    /// The stamps of the files and the saved state.
    pub(crate) fn open(&mut self) -> Result<Opened, DiskError> {
        match self.ask(self.open_job())? {
            DiskDone::Opened { files, resume } => Ok((files, resume)),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn ready(&mut self) {
        self.open().unwrap();
        assert_eq!(self.ask(DiskJob::Prepare), Ok(DiskDone::Prepared));
    }

    pub(crate) fn block(&self, piece: u32, number: u32) -> BlockRange {
        self.geometry.block(PieceIndex(piece), number).unwrap()
    }

    pub(crate) fn bytes(&self, range: BlockRange) -> &[u8] {
        let start = self.geometry.bytes_of(range.piece).start as usize + range.begin as usize;
        &self.content[start..start + range.length as usize]
    }

    pub(crate) fn write_job(&self, range: BlockRange) -> DiskJob {
        let data = Block::from(self.bytes(range).to_vec());
        DiskJob::Write { range, data }
    }

    /// Hands in all blocks of a piece.
    pub(crate) fn write_piece(&mut self, piece: u32) {
        for number in 0..self.geometry.blocks_in(PieceIndex(piece)) {
            let job = self.write_job(self.block(piece, number));
            assert_eq!(self.ask(job), Ok(DiskDone::Written));
        }
    }

    pub(crate) fn hash(&mut self, piece: u32) -> Result<Sha1Digest, DiskError> {
        match self.ask(DiskJob::Hash {
            piece: PieceIndex(piece),
        })? {
            DiskDone::Hash(digest) => Ok(digest),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn right(&self, piece: u32) -> Sha1Digest {
        let bytes = self.geometry.bytes_of(PieceIndex(piece));
        Sha1::digest(&self.content[bytes.start as usize..bytes.end as usize]).into()
    }

    pub(crate) fn read(&mut self, range: BlockRange) -> Result<Vec<u8>, DiskError> {
        match self.ask(DiskJob::Read { range })? {
            DiskDone::Read(block) => Ok(block.as_bytes().to_vec()),
            other => panic!("{other:?}"),
        }
    }

    /// All pieces, in order.
    pub(crate) fn download(&mut self) {
        for piece in 0..self.geometry.pieces() {
            self.write_piece(piece);
            assert_eq!(self.hash(piece), Ok(self.right(piece)), "piece {piece}");
        }
    }

    /// The files hold the content; pad files do not exist.
    pub(crate) fn assert_files(&self) {
        for file in self.layout.files() {
            let path = self.root.join(&file.path);
            if file.pad {
                assert!(!path.exists(), "{path:?}");
                continue;
            }
            let bytes = file.bytes();
            let there = std::fs::read(&path).unwrap();
            assert!(
                there == self.content[bytes.start as usize..bytes.end as usize],
                "{path:?}"
            );
        }
    }
}
