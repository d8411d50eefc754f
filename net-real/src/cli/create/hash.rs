//! SHA-1 of all pieces, on all cores. Memory: one buffer a thread, whatever the piece length.

use super::scan::{Source, unreadable};
use crate::cli::failure::Failure;
use seedbed_engine::id::Sha1Digest;
use sha1::{Digest as _, Sha1};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// Bytes that a thread reads at a time.
const BUFFER: usize = 1 << 20;
/// Bytes that a thread takes at a time, so that a disk sees long runs and the last thread ends soon after the
/// others.
const RUN: u64 = 16 << 20;
/// How often the caller is told how far it is.
const TELL_INTERVAL: Duration = Duration::from_millis(100);

/// Hashes of pieces in a row, and the number of the first.
type Run = (u64, Vec<Sha1Digest>);

/// What the threads share.
struct Work<'a> {
    source: &'a Source,
    /// Where each file begins within the content, and the end behind the last.
    offsets: Vec<u64>,
    piece_length: u64,
    /// Bytes in all.
    total: u64,
    pieces: u64,
    /// Pieces that a thread takes at a time.
    run: u64,
    next: AtomicU64,
    done: AtomicU64,
    failed: AtomicBool,
}

/// Hashes all pieces. `tell` is called now and then with the bytes done, and may stop the work with a failure.
pub(crate) fn hash_pieces(
    source: &Source,
    piece_length: u32,
    mut tell: impl FnMut(u64) -> Result<(), Failure>,
) -> Result<Vec<Sha1Digest>, Failure> {
    let mut offsets = vec![0];
    for file in &source.files {
        offsets.push(offsets.last().copied().unwrap_or(0) + file.length);
    }
    let piece_length = u64::from(piece_length);
    let work = Work {
        source,
        total: source.length(),
        pieces: source.length().div_ceil(piece_length),
        offsets,
        piece_length,
        run: (RUN / piece_length).max(1),
        next: AtomicU64::new(0),
        done: AtomicU64::new(0),
        failed: AtomicBool::new(false),
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let runs: Result<Vec<Run>, Failure> = std::thread::scope(|scope| {
        let (send, finished) = mpsc::channel();
        for _ in 0..threads {
            let (send, work) = (send.clone(), &work);
            scope.spawn(move || {
                // the receiver is only gone when the work was stopped
                let _ = send.send(work.hash_runs());
            });
        }
        drop(send);
        let mut runs = Vec::new();
        loop {
            match finished.recv_timeout(TELL_INTERVAL) {
                Ok(some) => runs.extend(some?),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(runs),
            }
            tell(work.done.load(Ordering::Relaxed)).inspect_err(|_| work.stop())?;
        }
    });
    let mut runs = runs?;
    runs.sort_by_key(|(first, _)| *first);
    Ok(runs.into_iter().flat_map(|(_, hashes)| hashes).collect())
}

impl Work<'_> {
    fn stop(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// Takes runs of pieces until none is left: the first piece of each, and its hashes.
    fn hash_runs(&self) -> Result<Vec<Run>, Failure> {
        let mut reader = Reader {
            work: self,
            file: None,
            buffer: vec![0; BUFFER],
        };
        let mut runs = Vec::new();
        loop {
            let first = self.next.fetch_add(self.run, Ordering::Relaxed);
            if first >= self.pieces || self.failed.load(Ordering::Relaxed) {
                return Ok(runs);
            }
            let mut hashes = Vec::new();
            for piece in first..self.pieces.min(first + self.run) {
                hashes.push(reader.hash(piece).inspect_err(|_| self.stop())?);
            }
            runs.push((first, hashes));
        }
    }
}

/// Reads the content in order, with one file open at a time.
struct Reader<'a> {
    work: &'a Work<'a>,
    /// The open file's index, and where it is read next.
    file: Option<(usize, File, u64)>,
    buffer: Vec<u8>,
}

impl Reader<'_> {
    fn hash(&mut self, piece: u64) -> Result<Sha1Digest, Failure> {
        let mut at = piece * self.work.piece_length;
        let end = self.work.total.min(at + self.work.piece_length);
        let mut hasher = Sha1::new();
        while at < end {
            if self.work.failed.load(Ordering::Relaxed) {
                // the hash is of no use any more
                break;
            }
            let length = self.read(at, end - at)?;
            hasher.update(&self.buffer[..length]);
            at += length as u64;
            self.work.done.fetch_add(length as u64, Ordering::Relaxed);
        }
        Ok(hasher.finalize().into())
    }

    /// Fills the front of the buffer with bytes of the content from `at`, at most `max`. Never nothing.
    fn read(&mut self, at: u64, max: u64) -> Result<usize, Failure> {
        // the last file that begins at or before it: empty files before it begin there too
        let index = self.work.offsets.partition_point(|offset| *offset <= at) - 1;
        let within = at - self.work.offsets[index];
        let file = &self.work.source.files[index];
        let length = max.min(file.length - within).min(self.buffer.len() as u64) as usize;
        let read = self.read_file(index, within, length);
        read.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Failure::input(format_args!(
                "{} became shorter while it was read: try again when nothing writes to it.",
                crate::cli::console::shown_path(&file.path)
            )),
            _ => unreadable(&file.path, &error),
        })?;
        Ok(length)
    }

    fn read_file(&mut self, index: usize, offset: u64, length: usize) -> io::Result<()> {
        let mut open = match self.file.take() {
            Some((open, file, at)) if open == index => (open, file, at),
            _ => (index, File::open(&self.work.source.files[index].path)?, 0),
        };
        if open.2 != offset {
            open.1.seek(SeekFrom::Start(offset))?;
        }
        open.1.read_exact(&mut self.buffer[..length])?;
        open.2 = offset + length as u64;
        self.file = Some(open);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::create::scan::SourceFile;

    /// Files of the given lengths in a folder of their own, and their bytes in a row.
    fn source(lengths: &[usize]) -> (tempfile::TempDir, Source, Vec<u8>) {
        let dir = tempfile::tempdir().unwrap();
        let (mut files, mut content) = (Vec::new(), Vec::new());
        for (n, length) in lengths.iter().enumerate() {
            let bytes: Vec<u8> = (0..*length).map(|i| (i * 7 + n) as u8).collect();
            let path = dir.path().join(format!("{n}"));
            std::fs::write(&path, &bytes).unwrap();
            content.extend(bytes);
            files.push(SourceFile {
                path,
                parts: vec![format!("{n}")],
                length: *length as u64,
            });
        }
        let source = Source {
            name: "t".into(),
            single: false,
            files,
        };
        (dir, source, content)
    }

    #[test]
    fn pieces_reach_over_files_empty_ones_too() {
        for lengths in [
            &[0, 100_000, 0, 0, 7, 40_000_000, 0][..],
            &[16_384],
            &[16_385, 16_383],
            &[0],
        ] {
            let (_dir, source, content) = source(lengths);
            let expected: Vec<Sha1Digest> = content
                .chunks(32_768)
                .map(|piece| Sha1::digest(piece).into())
                .collect();
            assert_eq!(hash_pieces(&source, 32_768, |_| Ok(())).unwrap(), expected);
        }
    }

    #[test]
    fn a_file_that_became_shorter_is_told() {
        let (_dir, mut source, _) = source(&[100, 200]);
        source.files[1].length = 300;
        let failure = hash_pieces(&source, 32_768, |_| Ok(())).unwrap_err();
        assert!(failure.text.contains("became shorter"), "{failure}");
    }

    #[test]
    fn the_caller_can_stop_it() {
        let (_dir, source, _) = source(&[50_000_000]);
        let stopped = hash_pieces(&source, 16_384, |_| Err(Failure::other("enough")));
        assert_eq!(stopped, Err(Failure::other("enough")));
    }
}
