//! A disk in memory: files by their path, a resume state, a fault that can be switched on.

use seedbed_engine::block::Block;
use seedbed_engine::disk::{DiskDone, DiskError, DiskFault, DiskJob, FileStamp};
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::PieceIndex;
use seedbed_engine::layout::Layout;
use sha1::{Digest, Sha1};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// The storage of one torrent.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    /// The files.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What was saved last.
    pub resume: Option<Vec<u8>>,
    /// The info dictionary that was kept.
    pub metadata: Option<Vec<u8>>,
    /// Every job but `Open` and `Close` fails with this, while it is set.
    pub fault: Option<DiskFault>,
    /// Every job of this kind fails, while it is set: `("save", …)`.
    pub failing: Option<(&'static str, DiskFault)>,
    /// Pieces that lie where the medium cannot be read; what is written there is found another place.
    pub dead: BTreeSet<PieceIndex>,
    /// The files, while their drive is not there: nothing can be made or written in its place.
    away: Option<BTreeMap<String, Vec<u8>>>,
    /// Blocks that are read wrong: the data of a liar.
    pub lies: Vec<BlockRange>,
    /// Jobs done, by kind.
    pub jobs: BTreeMap<&'static str, u32>,
    layout: Option<Arc<Layout>>,
    /// When each file was written last, in writes.
    modified: BTreeMap<String, i64>,
    writes: i64,
    /// Piece length and block length, which the jobs do not name.
    pub sizes: (u64, u64),
}

/// The kind of a job.
const fn name(job: &DiskJob) -> &'static str {
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
        DiskJob::LoadMetadata { .. } => "load metadata",
        DiskJob::SaveMetadata { .. } => "save metadata",
        DiskJob::Close => "close",
    }
}

impl MemoryDisk {
    /// A disk for a torrent of these sizes.
    #[must_use]
    pub fn new(piece_length: u64, block_length: u64) -> Self {
        Self {
            sizes: (piece_length, block_length),
            ..Self::default()
        }
    }

    /// The job's answer.
    pub fn carry_out(&mut self, job: DiskJob) -> Result<DiskDone, DiskError> {
        let name = name(&job);
        *self.jobs.entry(name).or_default() += 1;
        let spared = matches!(job, DiskJob::Open { .. } | DiskJob::Close);
        let fault = self.fault.filter(|_| !spared);
        let failing = self.failing.filter(|(kind, _)| *kind == name);
        let away = self.away.is_some() && matches!(name, "prepare" | "write" | "sync");
        let away = away.then_some(DiskFault::Missing);
        let dead = self.is_dead(&job).then_some(DiskFault::Io);
        if let Some(fault) = fault.or(failing.map(|(_, fault)| fault)).or(away).or(dead) {
            return Err(DiskError {
                fault,
                text: format!("{name}: no space left on device"),
            });
        }
        match job {
            DiskJob::Open { layout, .. } => {
                self.layout = Some(layout);
                Ok(DiskDone::Opened {
                    files: self.stamps(),
                    resume: self.resume.clone(),
                })
            }
            DiskJob::Arrange { layout } => Ok(self.arrange(layout)),
            DiskJob::Prepare => {
                for (_, file) in self.layout().data_files() {
                    self.files.entry(file.path.clone()).or_default();
                }
                Ok(DiskDone::Prepared)
            }
            DiskJob::Write { range, data } => {
                self.dead.remove(&range.piece);
                self.write(self.bytes_of(range).start, data.as_bytes());
                Ok(DiskDone::Written)
            }
            DiskJob::Read { range } => {
                let mut bytes = self.read(self.bytes_of(range))?;
                if self
                    .lies
                    .iter()
                    .any(|lie| lie.piece == range.piece && lie.begin == range.begin)
                {
                    bytes[0] ^= 0xff;
                }
                Ok(DiskDone::Read(Block::from(bytes)))
            }
            DiskJob::Hash { piece } => Ok(DiskDone::Hash(
                Sha1::digest(self.read(self.bytes_of_piece(piece))?).into(),
            )),
            DiskJob::Digests { piece } => {
                let bytes = self.read(self.bytes_of_piece(piece))?;
                let blocks = bytes.chunks(usize::try_from(self.sizes.1).expect("small"));
                Ok(DiskDone::Digests(
                    blocks.map(|block| Sha1::digest(block).into()).collect(),
                ))
            }
            DiskJob::Sync => Ok(DiskDone::Synced { files: self.stamps() }),
            DiskJob::SaveResume { data } => {
                self.resume = Some(data);
                Ok(DiskDone::Saved)
            }
            DiskJob::LoadMetadata { .. } => Ok(DiskDone::Metadata(self.metadata.clone())),
            DiskJob::SaveMetadata { data, .. } => {
                self.metadata = Some(data.to_vec());
                Ok(DiskDone::Saved)
            }
            DiskJob::Close => Ok(DiskDone::Closed),
        }
    }

    fn is_dead(&self, job: &DiskJob) -> bool {
        match job {
            DiskJob::Hash { piece } | DiskJob::Digests { piece } => self.dead.contains(piece),
            DiskJob::Read { range } => self.dead.contains(&range.piece),
            _ => false,
        }
    }

    /// The drive is disconnected.
    pub fn take_away(&mut self) {
        self.away = Some(std::mem::take(&mut self.files));
    }

    /// It is connected again, as it was.
    pub fn give_back(&mut self) {
        self.files = self.away.take().unwrap_or_default();
    }

    /// Somebody else changes a file: its modification time moves on.
    ///
    /// # Panics
    /// When there is no such file.
    pub fn tamper(&mut self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        self.writes += 1;
        self.modified.insert(path.to_string(), self.writes);
        change(self.files.get_mut(path).expect("it is there"));
    }

    /// Somebody puts a copy in the place of a file, older than everything here.
    pub fn put_back(&mut self, path: &str, bytes: Vec<u8>) {
        self.modified.insert(path.to_string(), -1);
        self.files.insert(path.to_string(), bytes);
    }

    /// Bytes of the content as they are on the disk, if they are.
    #[must_use]
    pub fn content(&self, range: Range<u64>) -> Option<Vec<u8>> {
        self.layout.as_ref()?;
        self.read(range).ok()
    }

    /// Files that are wanted now get what of them lay aside.
    fn arrange(&mut self, layout: Arc<Layout>) -> DiskDone {
        let old = self.layout();
        let wanted = |index: &usize| old.files()[*index].skipped && !layout.files()[*index].skipped;
        let moved = (0..layout.files().len()).filter(wanted);
        let moved = moved.flat_map(|index| old.shared_bytes(index));
        let moved: Vec<_> = moved
            .filter_map(|(_, bytes)| Some((bytes.start, self.read(bytes).ok()?)))
            .collect();
        self.layout = Some(layout);
        for (at, bytes) in moved {
            self.write(at, &bytes);
        }
        DiskDone::Arranged
    }

    fn layout(&self) -> Arc<Layout> {
        self.layout.clone().expect("the first job opens")
    }

    fn stamps(&self) -> Vec<Option<FileStamp>> {
        let layout = self.layout();
        let stamp = |path: &String| {
            self.files.get(path).map(|bytes| FileStamp {
                length: bytes.len() as u64,
                modified_ns: self.modified.get(path).copied().unwrap_or_default(),
            })
        };
        layout
            .files()
            .iter()
            .map(|file| if file.pad { None } else { stamp(&file.path) })
            .collect()
    }

    fn bytes_of(&self, range: BlockRange) -> Range<u64> {
        let start = u64::from(range.piece.0) * self.sizes.0 + u64::from(range.begin);
        start..start + u64::from(range.length)
    }

    fn bytes_of_piece(&self, piece: PieceIndex) -> Range<u64> {
        let start = u64::from(piece.0) * self.sizes.0;
        start..(start + self.sizes.0).min(self.layout().total())
    }

    fn write(&mut self, at: u64, data: &[u8]) {
        let layout = self.layout();
        let mut taken = 0;
        for span in layout.spans(at..at + data.len() as u64) {
            let length = usize::try_from(span.length).expect("small");
            let file = &layout.files()[span.file];
            if !file.pad {
                self.writes += 1;
                self.modified.insert(file.path.clone(), self.writes);
                let bytes = self.files.entry(file.path.clone()).or_default();
                let begin = usize::try_from(span.offset).expect("small");
                if bytes.len() < begin + length {
                    bytes.resize(begin + length, 0);
                }
                bytes[begin..begin + length].copy_from_slice(&data[taken..taken + length]);
            }
            taken += length;
        }
    }

    fn read(&self, range: Range<u64>) -> Result<Vec<u8>, DiskError> {
        let layout = self.layout();
        let mut out = Vec::new();
        for span in layout.spans(range) {
            let length = usize::try_from(span.length).expect("small");
            let begin = usize::try_from(span.offset).expect("small");
            let file = &layout.files()[span.file];
            if file.pad {
                out.resize(out.len() + length, 0);
                continue;
            }
            let bytes = self
                .files
                .get(&file.path)
                .and_then(|bytes| bytes.get(begin..begin + length));
            let missing = || DiskError {
                fault: DiskFault::Missing,
                text: format!("{}: not there", file.path),
            };
            out.extend_from_slice(bytes.ok_or_else(missing)?);
        }
        Ok(out)
    }
}
