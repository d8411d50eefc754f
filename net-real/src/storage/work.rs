//! What the threads of the pool do with a piece: hash it over the blocks in memory and, where there are none, the
//! bytes on the disk, and write runs of blocks with one system call each.
//!
//! A run is hashed just before it is written, so the bytes come into the processor's cache once.
//! Pad files are zeros here, whatever a peer sent for them: that is what everybody reads back.

use super::files::Files;
use seedbed_engine::block::Block;
use seedbed_engine::disk::DiskError;
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::{PieceIndex, Sha1Digest};
use seedbed_engine::layout::Span;
use sha1::{Digest as _, Sha1};
use std::cell::RefCell;
use std::io::IoSlice;
use std::ops::Range;

/// Bytes that are written with one system call at the most: 64 blocks, far below the limit of 1,024 slices and small
/// enough to be still in the cache when they were hashed.
const RUN_MAX: usize = 1024 * 1024;

/// Bytes that are read with one system call at the most; stays in the second-level cache until it is hashed.
const READ_MAX: usize = 256 * 1024;

static ZEROS: [u8; 4096] = [0; 4096];

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A block of the piece at hand that is in memory.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// Offset of its first byte within the piece.
    pub(crate) begin: u32,
    /// Its bytes.
    pub(crate) data: Block,
    /// Whether the file lacks them.
    pub(crate) dirty: bool,
}

impl Held {
    fn end(&self) -> u64 {
        u64::from(self.begin) + self.data.len() as u64
    }
}

/// Takes the bytes of a piece in order.
trait Sink {
    fn update(&mut self, bytes: &[u8]);
}

impl Sink for Sha1 {
    fn update(&mut self, bytes: &[u8]) {
        sha1::Digest::update(self, bytes);
    }
}

impl Sink for Vec<u8> {
    fn update(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// A digest each block.
struct Blocks {
    length: usize,
    filled: usize,
    hash: Sha1,
    digests: Vec<Sha1Digest>,
}

impl Sink for Blocks {
    fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, rest) = bytes.split_at(bytes.len().min(self.length - self.filled));
            Sink::update(&mut self.hash, now);
            self.filled += now.len();
            if self.filled == self.length {
                self.cut();
            }
            bytes = rest;
        }
    }
}

impl Blocks {
    fn cut(&mut self) {
        self.digests.push(self.hash.finalize_reset().into());
        self.filled = 0;
    }
}

/// Hashes a piece and writes what the files lack of it. `held` is sorted.
pub(crate) fn hash(files: &Files, piece: u32, held: &[Held]) -> Result<Sha1Digest, DiskError> {
    let mut hash = Sha1::new();
    Walk::whole(files, piece, held).run(Some(&mut hash))?;
    Ok(hash.finalize().into())
}

/// Writes what the files lack of a piece.
pub(crate) fn flush(files: &Files, piece: u32, held: &[Held]) -> Result<(), DiskError> {
    Walk::whole(files, piece, held).run(None)
}

/// A digest for each block of a piece; writes nothing.
pub(crate) fn digests(files: &Files, piece: u32, held: &[Held]) -> Result<Vec<Sha1Digest>, DiskError> {
    let mut blocks = Blocks {
        length: files.geometry().block_length() as usize,
        filled: 0,
        hash: Sha1::new(),
        digests: Vec::new(),
    };
    let mut walk = Walk::whole(files, piece, held);
    walk.write = false;
    walk.run(Some(&mut blocks))?;
    if blocks.filled > 0 {
        blocks.cut();
    }
    Ok(blocks.digests)
}

/// Reads a range of a piece; writes nothing.
pub(crate) fn read(files: &Files, range: BlockRange, held: &[Held]) -> Result<Block, DiskError> {
    if held.is_empty() {
        let mut spans = files.spans(range.piece.0, range.begin, range.length);
        if let (Some(span), None) = (spans.next(), spans.next())
            && !files.is_pad(span.file)
        {
            return Ok(files
                .read_block(span.file, span.offset, range.length as usize)?
                .into());
        }
    }
    let mut bytes = Vec::with_capacity(range.length as usize);
    let mut walk = Walk::whole(files, range.piece.0, held);
    walk.range = range.begin..range.begin.saturating_add(range.length);
    walk.write = false;
    walk.run(Some(&mut bytes))?;
    Ok(bytes.into())
}

/// A way through a range of a piece, file by file.
struct Walk<'a> {
    files: &'a Files,
    piece: u32,
    range: Range<u32>,
    held: &'a [Held],
    write: bool,
}

impl<'a> Walk<'a> {
    fn whole(files: &'a Files, piece: u32, held: &'a [Held]) -> Self {
        let length = files.geometry().length_of(PieceIndex(piece));
        Self {
            files,
            piece,
            range: 0..length,
            held,
            write: true,
        }
    }

    fn run(&self, mut sink: Option<&mut dyn Sink>) -> Result<(), DiskError> {
        let mut at = u64::from(self.range.start);
        let length = self.range.end.saturating_sub(self.range.start);
        for span in self.files.spans(self.piece, self.range.start, length) {
            if self.files.is_pad(span.file) {
                if let Some(sink) = sink.as_deref_mut() {
                    zeros(sink, span.length);
                }
            } else {
                self.span(&span, at, &mut sink)?;
            }
            at += span.length;
        }
        Ok(())
    }

    /// One file's part, which begins at `start` of the piece.
    fn span(&self, span: &Span, start: u64, sink: &mut Option<&mut dyn Sink>) -> Result<(), DiskError> {
        let end = start + span.length;
        let mut at = start;
        let mut run = Run::new(self.files, span.file);
        let mut held = self.held.iter().skip_while(|held| held.end() <= start).peekable();
        while at < end {
            while held.next_if(|held| held.end() <= at).is_some() {}
            let next = held.peek().copied().filter(|held| u64::from(held.begin) < end);
            let offset = span.offset + (at - start);
            match next {
                Some(held) if u64::from(held.begin) <= at => {
                    let from = at - u64::from(held.begin);
                    let to = held.end().min(end) - u64::from(held.begin);
                    let bytes = &held.data.as_bytes()[from as usize..to as usize];
                    if let Some(sink) = sink.as_deref_mut() {
                        sink.update(bytes);
                    }
                    if held.dirty && self.write {
                        run.push(offset, bytes)?;
                    }
                    at += to - from;
                }
                gap => {
                    let until = gap.map_or(end, |held| held.begin.into());
                    if let Some(sink) = sink.as_deref_mut() {
                        self.read_gap(span.file, offset, until - at, sink)?;
                    }
                    at = until;
                }
            }
        }
        run.write()
    }

    fn read_gap(
        &self,
        file: usize,
        mut offset: u64,
        mut left: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), DiskError> {
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.resize(READ_MAX, 0);
            while left > 0 {
                let now = left.min(READ_MAX as u64);
                let buffer = &mut scratch[..now as usize];
                self.files.read_exact(file, offset, buffer)?;
                sink.update(buffer);
                offset += now;
                left -= now;
            }
            Ok(())
        })
    }
}

fn zeros(sink: &mut dyn Sink, mut length: u64) {
    while length > 0 {
        let now = length.min(ZEROS.len() as u64);
        sink.update(&ZEROS[..now as usize]);
        length -= now;
    }
}

/// Slices that lie one behind the other in a file and are not written yet.
struct Run<'a> {
    files: &'a Files,
    file: usize,
    offset: u64,
    length: usize,
    slices: Vec<IoSlice<'a>>,
}

impl<'a> Run<'a> {
    fn new(files: &'a Files, file: usize) -> Self {
        Self {
            files,
            file,
            offset: 0,
            length: 0,
            slices: Vec::new(),
        }
    }

    fn push(&mut self, offset: u64, bytes: &'a [u8]) -> Result<(), DiskError> {
        let adjacent = self.offset + self.length as u64 == offset;
        if !self.slices.is_empty() && (!adjacent || self.length + bytes.len() > RUN_MAX) {
            self.write()?;
        }
        if self.slices.is_empty() {
            self.offset = offset;
        }
        self.length += bytes.len();
        self.slices.push(IoSlice::new(bytes));
        Ok(())
    }

    fn write(&mut self) -> Result<(), DiskError> {
        if !self.slices.is_empty() {
            self.files.write_all(self.file, self.offset, &mut self.slices)?;
            self.slices.clear();
            self.length = 0;
        }
        Ok(())
    }
}
