//! What each job does to the files.

use super::{DiskModel, SAVES_MAX, kind};
use crate::marks::Marks;
use seedbed_engine::block::Block;
use seedbed_engine::disk::{DiskDone, DiskError, DiskFault, DiskJob, FileStamp};
use seedbed_engine::geometry::{BlockRange, Geometry};
use seedbed_engine::id::PieceIndex;
use seedbed_engine::layout::Layout;
use seedbed_engine::time::Instant;
use sha1::{Digest, Sha1};
use std::sync::Arc;

/// A failure in the words of an operating system.
pub(super) fn error(fault: DiskFault, what: &str) -> DiskError {
    let words = match fault {
        DiskFault::Full => "No space left on device (os error 28)",
        DiskFault::Missing => "No such file or directory (os error 2)",
        DiskFault::Denied => "Permission denied (os error 13)",
        DiskFault::InTheWay => "Is a directory (os error 21)",
        DiskFault::Io => "Input/output error (os error 5)",
    };
    DiskError {
        fault,
        text: format!("{what}: {words}"),
    }
}

impl DiskModel {
    /// What a job fails with before it has begun, if it does.
    fn fails(&mut self, now: Instant, job: &DiskJob, marks: &mut Marks) -> Result<(), DiskError> {
        let fault = self.faults.fails(kind(job), &mut self.rng, marks);
        let failed = fault.map_or(Ok(()), |fault| Err(error(fault, kind(job))));
        let failed = failed.and(self.operation(now, kind(job)));
        self.open_failed |= failed.is_err() && matches!(job, DiskJob::Open { .. });
        failed
    }

    /// Carries a job out.
    pub(super) fn execute(
        &mut self,
        now: Instant,
        job: DiskJob,
        marks: &mut Marks,
    ) -> Result<DiskDone, DiskError> {
        self.fails(now, &job, marks)?;
        self.in_its_place(&job)?;
        match job {
            DiskJob::Open { layout, geometry, .. } => {
                self.opened = Some((layout, geometry));
                self.open_failed = false;
                let resume = self.saved.seen.clone();
                Ok(DiskDone::Opened {
                    files: self.stamps(),
                    resume: self
                        .faults
                        .resume(resume, &self.saved.history, &mut self.rng, marks),
                })
            }
            DiskJob::Arrange { layout } => self.arrange(now, layout, marks),
            DiskJob::Prepare => {
                let (layout, _) = self.opened()?;
                for (_, file) in layout.data_files() {
                    self.files.create(&file.path, now.as_micros());
                }
                Ok(DiskDone::Prepared)
            }
            DiskJob::Write { range, data } => self.take(range, data),
            DiskJob::Read { range } => self.read_for_peer(range, marks),
            DiskJob::Hash { piece } => {
                // over the blocks in memory, as a driver does it: what goes wrong on the way to the medium is not seen
                let bytes = self.piece(piece)?;
                self.flush(now, piece, marks)?;
                Ok(DiskDone::Hash(Sha1::digest(bytes).into()))
            }
            DiskJob::Digests { piece } => {
                let (_, geometry) = self.opened()?;
                let bytes = self.piece(piece)?;
                let blocks = bytes.chunks(geometry.block_length() as usize);
                Ok(DiskDone::Digests(
                    blocks.map(|block| Sha1::digest(block).into()).collect(),
                ))
            }
            DiskJob::Sync => {
                self.flush_all(now, marks)?;
                self.sync(marks);
                Ok(DiskDone::Synced { files: self.stamps() })
            }
            DiskJob::SaveResume { data } => {
                self.save(data, marks);
                Ok(DiskDone::Saved)
            }
            DiskJob::LoadMetadata { .. } => Ok(DiskDone::Metadata(self.metadata.clone())),
            DiskJob::SaveMetadata { data, .. } => {
                self.metadata = Some(data.to_vec());
                Ok(DiskDone::Saved)
            }
            DiskJob::Close => {
                let flushed = self.flush_all(now, marks);
                self.opened = None;
                self.buffer.clear();
                flushed.map(|()| DiskDone::Closed)
            }
        }
    }

    /// Bytes lie elsewhere from now on: a file that is wanted takes its bytes out of the file of parts.
    fn arrange(
        &mut self,
        now: Instant,
        layout: Arc<Layout>,
        marks: &mut Marks,
    ) -> Result<DiskDone, DiskError> {
        let (old, geometry) = self.opened()?;
        let parts = layout
            .parts_file()
            .map(|parts| layout.files()[parts].path.clone());
        let parts = parts.filter(|parts| self.files.get(parts).is_some());
        let pairs = old.files().iter().zip(layout.files());
        let wanted: Vec<_> = pairs
            .filter(|(old, new)| old.skipped && !new.skipped)
            .map(|(_, new)| new.clone())
            .collect();
        for file in wanted.iter().filter(|_| parts.is_some()) {
            self.files.create(&file.path, now.as_micros());
            // byte by byte, as slow as it is plain
            for at in file.bytes() {
                let Some(from) = old.spans(at..at + 1).next() else {
                    continue;
                };
                let byte = self
                    .files
                    .read(&old.files()[from.file].path, from.offset as usize, 1)
                    .map(<[u8]>::to_vec);
                let to = (at - file.offset) as usize;
                if let Some(byte) = byte
                    && Some(from.file) == old.parts_file()
                    && self.files.write(&file.path, to, &byte, now.as_micros()).is_err()
                {
                    return Err(error(DiskFault::Full, &file.path));
                }
            }
        }
        if let Some(parts) = parts.filter(|_| !wanted.is_empty() && !layout.skips()) {
            marks.hit("parts-removed");
            self.files.sync();
            self.files.meddle(&parts, None, false, now.as_micros());
        }
        self.opened = Some((layout, geometry));
        Ok(DiskDone::Arranged)
    }

    /// Nothing comes before `Open` or behind `Close`, and no second `Open`.
    fn in_its_place(&mut self, job: &DiskJob) -> Result<(), DiskError> {
        let opens = matches!(job, DiskJob::Open { .. });
        if matches!(job, DiskJob::LoadMetadata { .. } | DiskJob::SaveMetadata { .. }) {
            // they are of no file of the torrent
            return Ok(());
        }
        if opens != self.opened.is_some() {
            return Ok(());
        }
        if matches!(job, DiskJob::Close) && self.open_failed {
            return Err(error(DiskFault::Io, "storage is closed"));
        }
        let state = if opens { "open" } else { "closed" };
        self.violations
            .push(format!("{} came while storage was {state}", kind(job)));
        if opens {
            Ok(())
        } else {
            Err(error(DiskFault::Io, "storage is closed"))
        }
    }

    fn opened(&self) -> Result<(Arc<Layout>, Geometry), DiskError> {
        self.opened
            .clone()
            .ok_or_else(|| error(DiskFault::Io, "storage is closed"))
    }

    fn stamps(&self) -> Vec<Option<FileStamp>> {
        let Some((layout, _)) = &self.opened else {
            return Vec::new();
        };
        let files = layout.files().iter();
        files
            .map(|file| {
                self.files
                    .stamp(&file.path)
                    .filter(|_| !file.pad && !file.skipped)
            })
            .collect()
    }

    /// Takes a block into memory.
    fn take(&mut self, range: BlockRange, data: Block) -> Result<DiskDone, DiskError> {
        let (_, geometry) = self.opened()?;
        if geometry.block_number(range).is_none() || data.len() != range.length as usize {
            self.violations.push(format!(
                "{range} with {} bytes is no block of the torrent",
                data.len()
            ));
            return Err(error(DiskFault::Io, "no such block"));
        }
        self.buffer
            .entry(range.piece)
            .or_default()
            .insert(range.begin, data);
        Ok(DiskDone::Written)
    }

    /// Hands the blocks of a piece to the operating system. What could not be written stays in memory.
    fn flush(&mut self, now: Instant, piece: PieceIndex, marks: &mut Marks) -> Result<(), DiskError> {
        while let Some((begin, data)) = self.buffer.get(&piece).and_then(|blocks| {
            let (begin, data) = blocks.first_key_value()?;
            Some((*begin, data.clone()))
        }) {
            self.write_out(now, piece, begin, data.as_bytes(), marks)?;
            if let Some(blocks) = self.buffer.get_mut(&piece) {
                blocks.remove(&begin);
            }
        }
        self.buffer.remove(&piece);
        Ok(())
    }

    fn flush_all(&mut self, now: Instant, marks: &mut Marks) -> Result<(), DiskError> {
        let pieces: Vec<_> = self.buffer.keys().copied().collect();
        // one piece that cannot be written must not keep the others in memory
        let mut failed = Ok(());
        for piece in pieces {
            let flushed = self.flush(now, piece, marks);
            failed = failed.and(flushed);
        }
        failed
    }

    fn write_out(
        &mut self,
        now: Instant,
        piece: PieceIndex,
        begin: u32,
        data: &[u8],
        marks: &mut Marks,
    ) -> Result<(), DiskError> {
        let (layout, geometry) = self.opened()?;
        if let Some(fault) = self.faults.write_fails(&mut self.rng, marks) {
            return Err(error(fault, "write"));
        }
        let mut at = geometry.bytes_of(piece).start + u64::from(begin);
        if self.faults.fires("misdirected-write", &mut self.rng, marks) {
            self.tampered = true;
            at = if at >= data.len() as u64 {
                at - data.len() as u64
            } else {
                at + data.len() as u64
            };
            at = at.min(geometry.total().saturating_sub(data.len() as u64));
        }
        let mut rest = data;
        for span in layout.spans(at..at + data.len() as u64) {
            let (part, behind) = rest.split_at(span.length as usize);
            rest = behind;
            let file = &layout.files()[span.file];
            if file.pad {
                continue;
            }
            if let Err((taken, failed)) = self.write_operation(now, part.len()) {
                let _ = self
                    .files
                    .write(&file.path, span.offset as usize, &part[..taken], now.as_micros());
                return Err(failed);
            }
            // a short write takes half, and storage goes on at the rest
            let cut = if self.faults.fires("short-write", &mut self.rng, marks) {
                part.len() / 2
            } else {
                part.len()
            };
            let (first, second) = part.split_at(cut);
            for (offset, bytes) in [(0, first), (cut, second)] {
                if bytes.is_empty() {
                    continue;
                }
                let to = span.offset as usize + offset;
                if self.files.write(&file.path, to, bytes, now.as_micros()).is_err() {
                    marks.hit("disk-full");
                    return Err(error(DiskFault::Full, &file.path));
                }
            }
        }
        Ok(())
    }

    /// The bytes of a piece: blocks in memory, and for the rest the files.
    fn piece(&self, piece: PieceIndex) -> Result<Vec<u8>, DiskError> {
        let (_, geometry) = self.opened()?;
        if !geometry.contains(piece) {
            return Err(error(DiskFault::Io, "no such piece"));
        }
        let mut bytes = Vec::with_capacity(geometry.length_of(piece) as usize);
        for range in (0..geometry.blocks_in(piece)).filter_map(|n| geometry.block(piece, n)) {
            bytes.extend_from_slice(&self.read(range)?);
        }
        Ok(bytes)
    }

    fn read(&self, range: BlockRange) -> Result<Vec<u8>, DiskError> {
        let (layout, geometry) = self.opened()?;
        if let Some(block) = self
            .buffer
            .get(&range.piece)
            .and_then(|blocks| blocks.get(&range.begin))
            && block.len() == range.length as usize
        {
            return Ok(block.as_bytes().to_vec());
        }
        let mut out = Vec::with_capacity(range.length as usize);
        for span in layout.spans(geometry.bytes_of_range(range)) {
            let (length, file) = (span.length as usize, &layout.files()[span.file]);
            if file.pad {
                out.resize(out.len() + length, 0);
                continue;
            }
            match self.files.read(&file.path, span.offset as usize, length) {
                Some(bytes) => out.extend_from_slice(bytes),
                None => return Err(error(DiskFault::Missing, &file.path)),
            }
        }
        Ok(out)
    }

    fn read_for_peer(&mut self, range: BlockRange, marks: &mut Marks) -> Result<DiskDone, DiskError> {
        let (layout, geometry) = self.opened()?;
        if !geometry.is_within(range) {
            self.violations
                .push(format!("{range} is read and not within the torrent"));
            return Err(error(DiskFault::Io, "no such range"));
        }
        if self.faults.fires("bit-rot", &mut self.rng, marks) {
            let first = layout.spans(geometry.bytes_of_range(range)).next();
            if let Some(span) = first.filter(|span| !layout.files()[span.file].pad) {
                self.rot(&layout.files()[span.file].path, span.offset as usize);
            }
        }
        let mut bytes = self.read(range)?;
        if self.faults.fires("short-read", &mut self.rng, marks) {
            bytes.truncate(bytes.len() / 2);
        }
        Ok(DiskDone::Read(Block::from(bytes)))
    }

    /// One bit of a file turns over on the medium, and no time changes.
    pub(super) fn rot(&mut self, path: &str, at: usize) {
        let Some(mut bytes) = self.files.get(path).map(<[u8]>::to_vec) else {
            return;
        };
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << self.rng.below(8);
            self.tampered = true;
            self.files.meddle(path, Some(bytes), true, 0);
        }
    }

    fn sync(&mut self, marks: &mut Marks) {
        if self.faults.fires("lying-fsync", &mut self.rng, marks) {
            self.faults.lied();
        } else if !self.forgetful {
            self.files.sync();
        }
    }

    fn save(&mut self, data: Vec<u8>, marks: &mut Marks) {
        if self.saved.history.len() >= SAVES_MAX {
            self.saved.history.remove(1);
        }
        self.saved.history.push(data.clone());
        if !self.faults.fires("lying-fsync", &mut self.rng, marks) {
            self.saved.medium = Some(data.clone());
        } else if self.rng.chance(1, 2) {
            // the rename reached the medium, the bytes did not
            let half = data.len() / 2;
            self.saved.medium = Some(data[..half].to_vec());
        }
        self.saved.seen = Some(data);
    }
}
