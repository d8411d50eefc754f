//! Which bytes of the content lie in which file (BEP 3: the files are one run of bytes in the order of the list).
//!
//! Invariants: offsets are the running sum of the lengths, which fits `i64` as file offsets must; `filled` names the
//! files that have bytes, in order, so that a range is found by binary search however many empty files there are.

use crate::geometry::Geometry;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;
use serde::{Deserialize, Serialize};

/// One file of the content, at a path that is safe below the output folder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LayoutFile {
    /// Safe relative path, `/` between its parts, the torrent's own folder included.
    pub path: String,
    /// Length in bytes.
    pub length: u64,
    /// Offset of the first byte within the content. [`Layout::new`] sets it.
    pub offset: u64,
    /// A pad file (BEP 47): zeros that are hashed but never written.
    pub pad: bool,
    /// The user does not want it, so it is not made: what comes of it lies in the file of parts.
    pub skipped: bool,
}

impl LayoutFile {
    /// A file with content of its own.
    pub const fn data(path: String, length: u64) -> Self {
        Self {
            path,
            length,
            offset: 0,
            pad: false,
            skipped: false,
        }
    }

    /// A pad file. Its path is only ever shown.
    pub const fn pad(path: String, length: u64) -> Self {
        Self {
            path,
            length,
            offset: 0,
            pad: true,
            skipped: false,
        }
    }

    /// The file's bytes within the content.
    pub const fn bytes(&self) -> Range<u64> {
        self.offset..self.offset + self.length
    }
}

/// Why files are not a content.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LayoutError {
    /// The lengths add up to more than a file offset can say.
    #[error("the lengths of the files add up to more than {max} bytes", max = i64::MAX)]
    TotalLength,
}

/// The files of a torrent in the order of the content.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Layout {
    files: Vec<LayoutFile>,
    filled: Vec<usize>,
    total: u64,
    parts: Option<Parts>,
}

/// The file of parts: what comes of files that are not made, because their pieces hold bytes of files that are. It has
/// a place for every piece that holds bytes of several files, whichever of them are skipped, so that nothing moves in
/// it when the choice changes; it is the last of the files, and its holes take no space.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Parts {
    piece_length: u64,
    /// The pieces in the order of their places.
    pieces: Vec<u64>,
}

/// A part of one file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// Index of the file in [`Layout::files`].
    pub file: usize,
    /// Offset within the file.
    pub offset: u64,
    /// Number of bytes, at least 1.
    pub length: u64,
}

impl Layout {
    /// No file: of a torrent whose files are not known.
    pub const fn empty() -> Self {
        Self {
            files: Vec::new(),
            filled: Vec::new(),
            total: 0,
            parts: None,
        }
    }

    /// Lays the files one behind the other. The paths are taken as they are; whoever read the torrent made them safe.
    ///
    /// # Errors
    /// When the lengths add up to more than an offset can say.
    pub fn new(mut files: Vec<LayoutFile>) -> Result<Self, LayoutError> {
        let mut total = 0u64;
        let mut filled = Vec::new();
        for (index, file) in files.iter_mut().enumerate() {
            file.offset = total;
            total = total
                .checked_add(file.length)
                .filter(|total| i64::try_from(*total).is_ok())
                .ok_or(LayoutError::TotalLength)?;
            if file.length > 0 {
                filled.push(index);
            }
        }
        Ok(Self {
            files,
            filled,
            total,
            parts: None,
        })
    }

    /// The same files with one of parts behind them, at this path; none if no piece holds bytes of several files.
    pub fn with_parts(&self, geometry: &Geometry, path: String) -> Option<Self> {
        let mut pieces: Vec<u64> = Vec::new();
        let mut last = None;
        for (_, file) in self.data_files().filter(|(_, file)| file.length > 0) {
            let within = geometry.pieces_of(file.bytes());
            // the first of this file is the last of one before it
            if last == Some(within.start) && pieces.last() != Some(&within.start.into()) {
                pieces.push(within.start.into());
            }
            last = within.end.checked_sub(1);
        }
        if pieces.is_empty() {
            return None;
        }
        let mut layout = self.clone();
        let piece_length = u64::from(geometry.piece_length());
        let mut file = LayoutFile::data(path, pieces.len() as u64 * piece_length);
        file.offset = self.total;
        layout.files.push(file);
        layout.parts = Some(Parts { piece_length, pieces });
        Some(layout)
    }

    /// The same layout with these files skipped, and no others. Nothing can be skipped without a file of parts, but
    /// then all that is skipped is never asked for.
    pub fn skipping(&self, skipped: impl Fn(usize) -> bool) -> Self {
        let mut layout = self.clone();
        let parts = layout.parts_file();
        for (index, file) in layout.files.iter_mut().enumerate() {
            file.skipped = !file.pad && Some(index) != parts && skipped(index);
        }
        layout
    }

    /// The index of the file of parts.
    pub fn parts_file(&self) -> Option<usize> {
        self.parts.as_ref().map(|_| self.files.len() - 1)
    }

    /// Whether any file is skipped.
    pub fn skips(&self) -> bool {
        self.files.iter().any(|file| file.skipped)
    }

    /// The bytes of a file that lie in the file of parts while it is skipped: their place within the file and the
    /// content.
    pub fn shared_bytes(&self, file: usize) -> impl Iterator<Item = (u64, Range<u64>)> + '_ {
        let bytes = self.files.get(file).map_or(0..0, LayoutFile::bytes);
        let parts = self.parts.iter();
        parts
            .flat_map(|parts| {
                parts.pieces.iter().map(|piece| {
                    let start = piece * parts.piece_length;
                    start..start + parts.piece_length
                })
            })
            .filter_map(move |piece| {
                let common = piece.start.max(bytes.start)..piece.end.min(bytes.end);
                (!common.is_empty()).then(|| (common.start - bytes.start, common))
            })
    }

    /// Where bytes of a file lie.
    fn place(&self, span: Span) -> Vec<Span> {
        let (Some(parts), Some(file)) = (&self.parts, self.files.get(span.file)) else {
            return alloc::vec![span];
        };
        let mut places = Vec::new();
        let (mut at, end) = (file.offset + span.offset, file.offset + span.offset + span.length);
        while at < end {
            let (piece, within) = (at / parts.piece_length, at % parts.piece_length);
            let length = (parts.piece_length - within).min(end - at);
            places.push(match parts.pieces.binary_search(&piece) {
                Ok(place) => Span {
                    file: self.files.len() - 1,
                    offset: place as u64 * parts.piece_length + within,
                    length,
                },
                // nobody wants it, so nobody asks
                Err(_) => Span {
                    file: span.file,
                    offset: at - file.offset,
                    length,
                },
            });
            at += length;
        }
        places
    }

    /// The files in the order of the content, and the file of parts.
    pub fn files(&self) -> &[LayoutFile] {
        &self.files
    }

    /// The files that are written, with their index in [`Layout::files`]: empty ones too; pad files and skipped ones
    /// not, and the file of parts only if there are such.
    pub fn data_files(&self) -> impl DoubleEndedIterator<Item = (usize, &LayoutFile)> + '_ {
        let idle = self.parts_file().filter(|_| !self.skips());
        let written =
            move |(index, file): &(usize, &LayoutFile)| !file.pad && !file.skipped && Some(*index) != idle;
        self.files.iter().enumerate().filter(written)
    }

    /// Bytes of content, pad files included.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Bytes of content that are written: without pad files.
    pub fn data_length(&self) -> u64 {
        self.data_files().map(|(_, file)| file.length).sum()
    }

    /// The parts of files that hold these bytes of the content, in order; pad files are among them, empty files are
    /// not. Bytes behind the end are left out.
    pub fn spans(&self, bytes: Range<u64>) -> impl Iterator<Item = Span> + '_ {
        let end = bytes.end.min(self.total);
        let first = self
            .filled
            .partition_point(|index| self.files[*index].bytes().end <= bytes.start);
        self.filled[first..]
            .iter()
            .map(|index| (*index, &self.files[*index]))
            .take_while(move |(_, file)| file.offset < end)
            .filter_map(move |(index, file)| {
                let start = bytes.start.max(file.offset);
                let length = end.min(file.bytes().end).checked_sub(start)?;
                (length > 0).then(|| Span {
                    file: index,
                    offset: start - file.offset,
                    length,
                })
            })
            .flat_map(|span| {
                let skipped = self.files[span.file].skipped;
                let (as_is, placed) = if skipped {
                    (None, self.place(span))
                } else {
                    (Some(span), Vec::new())
                };
                as_is.into_iter().chain(placed)
            })
    }

    /// The pieces that hold bytes of a file; none for an empty file or one that does not exist.
    pub fn file_pieces(&self, file: usize, geometry: &Geometry) -> Range<u32> {
        self.files
            .get(file)
            .map_or(0..0, |file| geometry.pieces_of(file.bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec;
    use quickcheck::{Gen, QuickCheck};

    fn layout(lengths: &[u64]) -> Layout {
        let file = |(n, length): (usize, &u64)| LayoutFile::data(format!("f{n}"), *length);
        Layout::new(lengths.iter().enumerate().map(file).collect()).unwrap()
    }

    fn span(file: usize, offset: u64, length: u64) -> Span {
        Span { file, offset, length }
    }

    #[test]
    fn a_range_is_cut_at_the_files_and_empty_files_are_skipped() {
        let layout = layout(&[0, 10, 0, 0, 5, 20, 0]);
        let check = |bytes: Range<u64>, spans: &[Span]| {
            assert_eq!(
                layout.spans(bytes.clone()).collect::<Vec<_>>(),
                spans,
                "{bytes:?}"
            );
        };
        check(0..35, &[span(1, 0, 10), span(4, 0, 5), span(5, 0, 20)]);
        check(9..16, &[span(1, 9, 1), span(4, 0, 5), span(5, 0, 1)]);
        check(10..15, &[span(4, 0, 5)]);
        check(34..99, &[span(5, 19, 1)]);
        check(35..99, &[]);
        check(7..7, &[]);
        #[expect(clippy::reversed_empty_ranges, reason = "callers may compute one")]
        check(9..3, &[]);
    }

    #[test]
    fn spans_of_any_range_cover_it_exactly() {
        fn property(lengths: Vec<u8>, start: u16, length: u16) -> bool {
            let layout = layout(&lengths.iter().map(|n| u64::from(n / 8)).collect::<Vec<_>>());
            let end = (u64::from(start) + u64::from(length)).min(layout.total());
            let mut at = u64::from(start);
            for span in layout.spans(u64::from(start)..u64::from(start) + u64::from(length)) {
                let file = &layout.files()[span.file];
                let fits = span.length > 0 && span.offset + span.length <= file.length;
                if !fits || file.offset + span.offset != at {
                    return false;
                }
                at += span.length;
            }
            at == end.max(u64::from(start))
        }
        QuickCheck::new()
            .rng(Gen::from_size_and_seed(200, 5))
            .tests(2_000)
            .quickcheck(property as fn(Vec<u8>, u16, u16) -> bool);
    }

    #[test]
    fn what_comes_of_skipped_files_lies_in_the_file_of_parts() {
        // pieces of 10: 0..10 | 10..20 | 20..30 | 30..40 | 40..45
        let geometry = Geometry::new(45, 10, 5).unwrap();
        let all = layout(&[5, 0, 12, 13, 15]);
        let layout = all.with_parts(&geometry, "parts".into()).unwrap();
        // pieces 0 and 1 hold bytes of two files, the others of one
        assert_eq!((layout.files().len(), layout.files()[5].length), (6, 20));
        assert_eq!(layout.total(), 45);
        assert_eq!(layout.data_files().count(), 5);
        let chosen = layout.skipping(|file| file == 2 || file == 3);
        let spans = |bytes: Range<u64>| chosen.spans(bytes).collect::<Vec<_>>();
        assert_eq!(spans(0..10), [span(0, 0, 5), span(5, 5, 5)]);
        assert_eq!(spans(10..20), [span(5, 10, 7), span(5, 17, 3)]);
        // within a skipped file alone: nobody wants it
        assert_eq!(spans(20..30), [span(3, 3, 10)]);
        assert_eq!(spans(30..40), [span(4, 0, 10)]);
        let written: Vec<usize> = chosen.data_files().map(|(index, _)| index).collect();
        assert_eq!(written, [0, 1, 4, 5]);
        assert_eq!(chosen.skipping(|_| false), layout);
        let shared: Vec<_> = chosen.shared_bytes(3).collect();
        assert_eq!(shared, [(0, 17..20)]);
    }

    #[test]
    fn files_that_end_with_their_pieces_need_no_file_of_parts() {
        let geometry = Geometry::new(30, 10, 5).unwrap();
        assert_eq!(layout(&[10, 0, 20]).with_parts(&geometry, "parts".into()), None);
    }

    #[test]
    fn a_total_beyond_any_offset_is_refused() {
        let big = || LayoutFile::data("big".into(), i64::MAX as u64);
        assert!(Layout::new(vec![big()]).is_ok());
        let more = vec![big(), LayoutFile::data("more".into(), 1)];
        assert_eq!(Layout::new(more), Err(LayoutError::TotalLength));
    }

    #[test]
    fn pad_files_count_as_content_and_are_not_written() {
        let files = vec![
            LayoutFile::data("a".into(), 3),
            LayoutFile::pad(".pad/5".into(), 5),
            LayoutFile::data("b".into(), 8),
        ];
        let layout = Layout::new(files).unwrap();
        assert_eq!((layout.total(), layout.data_length()), (16, 11));
        assert_eq!(layout.data_files().map(|(n, _)| n).collect::<Vec<_>>(), [0, 2]);
        let geometry = Geometry::new(16, 8, 4).unwrap();
        assert_eq!(layout.file_pieces(2, &geometry), 1..2);
        assert_eq!(layout.file_pieces(3, &geometry), 0..0);
        assert_eq!(layout.spans(2..9).count(), 3);
    }
}
