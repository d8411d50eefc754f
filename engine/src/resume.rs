//! The saved state of a torrent: which pieces were verified, and what the files looked like then.
//!
//! A resume file may be old, torn, foreign or of another torrent. It is only ever a hint: [`Resume::believed`] keeps
//! a piece only where every file that holds it looks as it did, and what is not believed is hashed again.
//!
//! Format: a canonical bencoded dictionary, then the SHA-1 of its bytes. The digest finds flipped bits (a wrong bit
//! in `have` would be a wrong piece believed); it is no protection against intent.

use crate::bencode::{self, BencodeError, Limits, Value};
use crate::bitfield::Bitfield;
use crate::disk::FileStamp;
use crate::geometry::Geometry;
use crate::id::InfoHash;
use crate::layout::Layout;
use alloc::vec;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use sha1::{Digest, Sha1};

/// The format that is written. Another one is refused: the files are then hashed again.
pub const RESUME_VERSION: i64 = 1;

/// What is known of a torrent between two runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resume {
    /// Which torrent.
    pub info_hash: InfoHash,
    /// Pieces that were verified and made durable.
    pub have: Bitfield,
    /// What each file of the layout looked like when they were; `None` for pad files and files not there.
    pub files: Vec<Option<FileStamp>>,
    /// Saved at an orderly end: nothing was written since.
    pub clean: bool,
    /// Whether `completed` was told to the trackers, which happens once in a torrent's life (BEP 3).
    pub completed: bool,
    /// Bytes of payload sent over all runs.
    pub uploaded: u64,
    /// Bytes of payload received over all runs.
    pub downloaded: u64,
}

/// Why a resume file is not used. All of them end in hashing the files, so none is a failure of the torrent.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ResumeError {
    /// Not bencode, not canonical, or not this shape.
    #[error("the resume file is damaged: {0}")]
    Damaged(#[from] BencodeError),
    /// The digest behind the dictionary is missing or another.
    #[error("the resume file is damaged: its checksum does not fit")]
    Checksum,
    /// Another format.
    #[error("the resume file has version {0}, only version {RESUME_VERSION} is known")]
    Version(i64),
    /// Another torrent's.
    #[error("the resume file is of another torrent, {0}")]
    InfoHash(InfoHash),
    /// The piece count is not the torrent's.
    #[error("the resume file has {got} pieces, the torrent {expected}")]
    Pieces {
        /// Pieces in the file.
        got: i64,
        /// Pieces of the torrent.
        expected: u32,
    },
    /// The file count is not the torrent's.
    #[error("the resume file has {got} files, the torrent {expected}")]
    Files {
        /// Files in the resume file.
        got: usize,
        /// Files of the torrent.
        expected: usize,
    },
    /// A value that cannot be.
    #[error("the resume file is damaged: `{0}` is impossible")]
    Value(&'static str),
}

/// The dictionary, its keys in the order of bencode.
#[derive(Serialize, Deserialize)]
struct Stored {
    clean: u8,
    completed: u8,
    downloaded: i64,
    /// A list of length and modification time a file, empty where there is no stamp.
    files: Vec<Vec<i64>>,
    have: ByteBuf,
    #[serde(rename = "info hash")]
    info_hash: ByteBuf,
    pieces: i64,
    uploaded: i64,
    version: i64,
}

impl Resume {
    /// A torrent of which nothing is known.
    pub fn new(info_hash: InfoHash, pieces: u32, files: usize) -> Self {
        Self {
            info_hash,
            have: Bitfield::new(pieces),
            files: vec![None; files],
            clean: false,
            completed: false,
            uploaded: 0,
            downloaded: 0,
        }
    }

    /// The bytes to save.
    pub fn encode(&self) -> Vec<u8> {
        let stamp = |stamp: &Option<FileStamp>| {
            stamp.map_or_else(Vec::new, |stamp| vec![signed(stamp.length), stamp.modified_ns])
        };
        let stored = Stored {
            clean: self.clean.into(),
            completed: self.completed.into(),
            downloaded: signed(self.downloaded),
            files: self.files.iter().map(stamp).collect(),
            have: ByteBuf::from(self.have.as_wire()),
            info_hash: ByteBuf::from(self.info_hash.0),
            pieces: self.have.capacity().into(),
            uploaded: signed(self.uploaded),
            version: RESUME_VERSION,
        };
        // integers, strings and lists can all be written; no bytes would read as a damaged file
        let mut bytes = bencode::to_bytes(&stored).unwrap_or_default();
        let digest = Sha1::digest(&bytes);
        bytes.extend_from_slice(&digest);
        bytes
    }

    /// Reads what [`Resume::encode`] wrote for the torrent of this info-hash, piece count and file count.
    ///
    /// # Errors
    /// When it is damaged, of another version or another torrent.
    pub fn decode(bytes: &[u8], info_hash: InfoHash, pieces: u32, files: usize) -> Result<Self, ResumeError> {
        let (dictionary, scan) = Value::parse(bytes, &Limits::TORRENT)?;
        // the version first: another one may have another shape, and another checksum
        let version = dictionary.dict_get(b"version").and_then(Value::as_int);
        match version {
            Some(RESUME_VERSION) => {}
            Some(version) => return Err(ResumeError::Version(version)),
            None => return Err(ResumeError::Value("version")),
        }
        if bytes[scan.end..] != Sha1::digest(dictionary.raw())[..] {
            return Err(ResumeError::Checksum);
        }
        bencode::scan_strict(dictionary.raw(), &Limits::TORRENT)?;
        let stored: Stored = bencode::from_bytes(dictionary.raw(), &Limits::TORRENT)?;
        stored.check(info_hash, pieces, files)
    }

    /// The pieces that can be believed, given what the files look like now: every file that holds a part of such a
    /// piece has the saved stamp and reaches to the part's end. The others must be hashed.
    pub fn believed(&self, layout: &Layout, geometry: &Geometry, now: &[Option<FileStamp>]) -> Bitfield {
        let unchanged = |file: usize, end: u64| {
            let then = self.files.get(file).copied().flatten();
            let now = now.get(file).copied().flatten();
            then.is_some() && then == now && now.is_some_and(|now| now.length >= end)
        };
        let mut believed = self.have.clone();
        for piece in self.have.iter() {
            let start = u64::from(piece.0) * u64::from(geometry.piece_length());
            let end = start + u64::from(geometry.length_of(piece));
            let mut spans = layout.spans(start..end);
            if !spans
                .all(|span| layout.files()[span.file].pad || unchanged(span.file, span.offset + span.length))
            {
                believed.remove(piece);
            }
        }
        believed
    }
}

impl Stored {
    fn check(self, info_hash: InfoHash, pieces: u32, files: usize) -> Result<Resume, ResumeError> {
        let stored_hash: [u8; 20] = self
            .info_hash
            .as_slice()
            .try_into()
            .map_err(|_| ResumeError::Value("info hash"))?;
        if stored_hash != info_hash.0 {
            return Err(ResumeError::InfoHash(InfoHash(stored_hash)));
        }
        if self.pieces != i64::from(pieces) {
            return Err(ResumeError::Pieces {
                got: self.pieces,
                expected: pieces,
            });
        }
        if self.files.len() != files {
            return Err(ResumeError::Files {
                got: self.files.len(),
                expected: files,
            });
        }
        let (have, spare_were_set) =
            Bitfield::from_wire(&self.have, pieces).map_err(|_| ResumeError::Value("have"))?;
        if spare_were_set {
            return Err(ResumeError::Value("have"));
        }
        let stamps = self
            .files
            .iter()
            .map(|stamp| stamp_of(stamp))
            .collect::<Option<_>>();
        Ok(Resume {
            info_hash,
            have,
            files: stamps.ok_or(ResumeError::Value("files"))?,
            clean: self.clean == 1,
            completed: self.completed == 1,
            uploaded: u64::try_from(self.uploaded).map_err(|_| ResumeError::Value("uploaded"))?,
            downloaded: u64::try_from(self.downloaded).map_err(|_| ResumeError::Value("downloaded"))?,
        })
    }
}

/// `None` when it is neither a stamp nor the mark of a missing one.
fn stamp_of(stored: &[i64]) -> Option<Option<FileStamp>> {
    match *stored {
        [] => Some(None),
        [length, modified_ns] => Some(Some(FileStamp {
            length: u64::try_from(length).ok()?,
            modified_ns,
        })),
        _ => None,
    }
}

/// Bencode's integers are signed; a counter that reached 2^63 stays there.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PieceIndex;
    use crate::layout::LayoutFile;
    use alloc::string::ToString;
    use quickcheck::{Gen, QuickCheck};

    const HASH: InfoHash = InfoHash([7; 20]);

    fn stamp(length: u64, modified_ns: i64) -> Option<FileStamp> {
        Some(FileStamp { length, modified_ns })
    }

    /// Ten pieces of 10 bytes: `a` has 25, a pad file 5, `b` 70.
    fn sample() -> (Resume, Layout, Geometry) {
        let layout = Layout::new(vec![
            LayoutFile::data("a".into(), 25),
            LayoutFile::pad("p".into(), 5),
            LayoutFile::data("b".into(), 70),
        ]);
        let mut resume = Resume::new(HASH, 10, 3);
        resume.have = Bitfield::full(10);
        resume.have.remove(PieceIndex(4));
        resume.files = vec![stamp(25, -5), None, stamp(70, 6)];
        resume.uploaded = u64::MAX;
        resume.downloaded = 12;
        resume.completed = true;
        (resume, layout.unwrap(), Geometry::new(100, 10, 10).unwrap())
    }

    #[test]
    fn what_is_saved_is_read() {
        let (mut resume, ..) = sample();
        let read = Resume::decode(&resume.encode(), HASH, 10, 3).unwrap();
        resume.uploaded = i64::MAX as u64;
        assert_eq!(read, resume);
    }

    #[test]
    fn another_torrents_file_is_refused() {
        let bytes = sample().0.encode();
        let other = InfoHash([8; 20]);
        let decode = |hash, pieces, files| Resume::decode(&bytes, hash, pieces, files).unwrap_err();
        assert_eq!(decode(other, 10, 3), ResumeError::InfoHash(HASH));
        let pieces = ResumeError::Pieces {
            got: 10,
            expected: 11,
        };
        assert_eq!(decode(HASH, 11, 3), pieces);
        assert_eq!(decode(HASH, 10, 2), ResumeError::Files { got: 3, expected: 2 });
    }

    #[test]
    fn another_version_is_named_whatever_follows() {
        let error = Resume::decode(b"d7:versioni2ee", HASH, 10, 3).unwrap_err();
        assert_eq!(error, ResumeError::Version(2));
        assert_eq!(
            error.to_string(),
            "the resume file has version 2, only version 1 is known"
        );
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let bytes = sample().0.encode();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Resume::decode(&flipped, HASH, 10, 3).is_err(), "bit {bit}");
        }
        for end in 0..bytes.len() {
            assert!(
                Resume::decode(&bytes[..end], HASH, 10, 3).is_err(),
                "cut at {end}"
            );
        }
    }

    #[test]
    fn impossible_values_are_refused_even_with_a_right_checksum() {
        let check = |from: &[u8], to: &[u8]| {
            let bytes = sample().0.encode();
            let dictionary = &bytes[..bytes.len() - 20];
            let at = dictionary
                .windows(from.len())
                .position(|part| part == from)
                .unwrap();
            let mut changed = [&dictionary[..at], to, &dictionary[at + from.len()..]].concat();
            let digest = Sha1::digest(&changed);
            changed.extend_from_slice(&digest);
            assert!(
                Resume::decode(&changed, HASH, 10, 3).is_err(),
                "{}",
                to.escape_ascii()
            );
        };
        check(b"2:\xf7\xc0", b"2:\xf7\xc1");
        check(b"2:\xf7\xc0", b"1:\xf7");
        check(b"downloadedi12e", b"downloadedi-1e");
        check(b"li25ei-5ee", b"li-25ei-5ee");
        check(b"li25ei-5ee", b"li25ee");
        check(b"5:cleani0e", b"5:cleani00e");
    }

    #[test]
    fn a_piece_is_believed_only_where_all_its_files_look_as_they_did() {
        let (resume, layout, geometry) = sample();
        let check = |now: [Option<FileStamp>; 3], pieces: &[u32]| {
            let believed = resume.believed(&layout, &geometry, &now);
            assert_eq!(believed.iter().map(|piece| piece.0).collect::<Vec<_>>(), pieces);
        };
        let (a, b) = (resume.files[0], resume.files[2]);
        check([a, None, b], &[0, 1, 2, 3, 5, 6, 7, 8, 9]);
        check([None, None, b], &[3, 5, 6, 7, 8, 9]);
        check([stamp(25, -4), None, b], &[3, 5, 6, 7, 8, 9]);
        check([a, None, stamp(71, 6)], &[0, 1, 2]);
    }

    #[test]
    fn a_file_that_was_short_then_is_not_believed_behind_its_end() {
        let (mut resume, layout, geometry) = sample();
        resume.files[2] = stamp(35, 6);
        let now = resume.files.clone();
        let believed = resume.believed(&layout, &geometry, &now);
        let pieces: Vec<u32> = believed.iter().map(|piece| piece.0).collect();
        assert_eq!(pieces, [0, 1, 2, 3, 5]);
        assert!(resume.believed(&layout, &geometry, &[]).is_empty());
    }

    #[test]
    fn no_bytes_make_it_panic() {
        fn property(bytes: Vec<u8>) -> bool {
            Resume::decode(&bytes, HASH, 10, 3).is_err()
        }
        QuickCheck::new()
            .rng(Gen::from_size_and_seed(60, 9))
            .tests(5_000)
            .quickcheck(property as fn(Vec<u8>) -> bool);
    }
}
