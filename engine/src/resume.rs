//! The saved state of a torrent: which pieces were verified, and what the files looked like then.
//!
//! A resume file may be old, torn, foreign or of another torrent. It is only ever a hint: whoever reads it compares
//! the stamps with the files before believing a piece, and what is not believed is hashed again.
//!
//! Format: a canonical bencoded dictionary, then the SHA-1 of its bytes. The digest finds flipped bits (a wrong bit
//! in `have` would be a wrong piece believed); it is no protection against intent.

use crate::bencode::{self, BencodeError, Limits, Value};
use crate::bitfield::Bitfield;
use crate::disk::FileStamp;
use crate::id::InfoHash;
use alloc::vec;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use sha1::{Digest, Sha1};

/// The format that is written. Another one is refused: the files are then hashed again.
pub const RESUME_VERSION: i64 = 1;

/// Stands for a file that was about to be made when the state was saved: what is there since is ours, none of its bytes is
/// believed, and it is not missed. The time is in 1677, which no file has.
pub const TO_BE_MADE: FileStamp = FileStamp {
    length: 0,
    modified_ns: i64::MIN,
};

/// What is known of a torrent between two runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resume {
    /// Which torrent.
    pub info_hash: InfoHash,
    /// Pieces that were verified and made durable.
    pub have: Bitfield,
    /// What each file of the layout looked like when they were; `None` for pad files and files not there,
    /// [`TO_BE_MADE`] for those about to be made.
    pub files: Vec<Option<FileStamp>>,
    /// Saved at an orderly end: nothing was written since.
    pub clean: bool,
    /// Bytes of payload sent in the run that saved it.
    pub uploaded: u64,
    /// Bytes of payload received in it.
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
    /// A value that cannot be.
    #[error("the resume file is damaged: `{0}` is impossible")]
    Value(&'static str),
}

/// The dictionary, its keys in the order of bencode.
#[derive(Serialize, Deserialize)]
struct Stored {
    clean: u8,
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
    /// Whether a file was there, or about to be made.
    pub fn vouches(&self, file: usize) -> bool {
        self.files.get(file).copied().flatten().is_some()
    }

    /// What a file looked like, if it was there.
    pub fn stamp(&self, file: usize) -> Option<FileStamp> {
        let stamp = self.files.get(file).copied().flatten();
        stamp.filter(|stamp| *stamp != TO_BE_MADE)
    }

    /// Whether any file was there.
    pub fn had_files(&self) -> bool {
        (0..self.files.len()).any(|file| self.stamp(file).is_some())
    }

    /// The bytes to save.
    pub fn encode(&self) -> Vec<u8> {
        let stamp = |stamp: &Option<FileStamp>| {
            stamp.map_or_else(Vec::new, |stamp| vec![signed(stamp.length), stamp.modified_ns])
        };
        let stored = Stored {
            clean: self.clean.into(),
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

    /// Reads what [`Resume::encode`] wrote for the torrent of this info-hash and piece count. The stamps
    /// may be fewer or more than its files.
    ///
    /// # Errors
    /// When it is damaged, of another version or another torrent.
    pub fn decode(bytes: &[u8], info_hash: InfoHash, pieces: u32) -> Result<Self, ResumeError> {
        let (dictionary, scan) = Value::parse(bytes, &Limits::TORRENT)?;
        // the version first: another one may have another shape, and another checksum
        let version = dictionary.dict_get(b"version").and_then(Value::as_int);
        match version {
            Some(RESUME_VERSION) => {}
            Some(version) => return Err(ResumeError::Version(version)),
            None => return Err(ResumeError::Value("version")),
        }
        if bytes.get(scan.end..) != Some(&Sha1::digest(dictionary.raw())[..]) {
            return Err(ResumeError::Checksum);
        }
        bencode::scan_strict(dictionary.raw(), &Limits::TORRENT)?;
        let stored: Stored = bencode::from_bytes(dictionary.raw(), &Limits::TORRENT)?;
        stored.check(info_hash, pieces)
    }
}

impl Stored {
    fn check(self, info_hash: InfoHash, pieces: u32) -> Result<Resume, ResumeError> {
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
    use alloc::string::ToString;
    use quickcheck::{Gen, QuickCheck};

    const HASH: InfoHash = InfoHash([7; 20]);

    fn stamp(length: u64, modified_ns: i64) -> Option<FileStamp> {
        Some(FileStamp { length, modified_ns })
    }

    fn sample() -> Resume {
        let (have, _) = Bitfield::from_wire(&[0xf7, 0xc0], 10).unwrap();
        Resume {
            info_hash: HASH,
            have,
            files: vec![stamp(25, -5), None, stamp(70, 6)],
            clean: false,
            uploaded: u64::MAX,
            downloaded: 12,
        }
    }

    #[test]
    fn what_is_saved_is_read() {
        let mut resume = sample();
        let read = Resume::decode(&resume.encode(), HASH, 10).unwrap();
        resume.uploaded = i64::MAX as u64;
        assert_eq!(read, resume);
    }

    #[test]
    fn another_torrents_file_is_refused() {
        let bytes = sample().encode();
        let other = InfoHash([8; 20]);
        let decode = |hash, pieces| Resume::decode(&bytes, hash, pieces).unwrap_err();
        assert_eq!(decode(other, 10), ResumeError::InfoHash(HASH));
        let pieces = ResumeError::Pieces {
            got: 10,
            expected: 11,
        };
        assert_eq!(decode(HASH, 11), pieces);
    }

    #[test]
    fn another_version_is_named_whatever_follows() {
        let error = Resume::decode(b"d7:versioni2ee", HASH, 10).unwrap_err();
        assert_eq!(error, ResumeError::Version(2));
        assert_eq!(
            error.to_string(),
            "the resume file has version 2, only version 1 is known"
        );
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let bytes = sample().encode();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Resume::decode(&flipped, HASH, 10).is_err(), "bit {bit}");
        }
        for end in 0..bytes.len() {
            assert!(Resume::decode(&bytes[..end], HASH, 10).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn impossible_values_are_refused_even_with_a_right_checksum() {
        let check = |from: &[u8], to: &[u8]| {
            let bytes = sample().encode();
            let dictionary = &bytes[..bytes.len() - 20];
            let at = dictionary
                .windows(from.len())
                .position(|part| part == from)
                .unwrap();
            let mut changed = [&dictionary[..at], to, &dictionary[at + from.len()..]].concat();
            let digest = Sha1::digest(&changed);
            changed.extend_from_slice(&digest);
            assert!(
                Resume::decode(&changed, HASH, 10).is_err(),
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
    fn no_bytes_make_it_panic() {
        fn property(bytes: Vec<u8>) -> bool {
            Resume::decode(&bytes, HASH, 10).is_err()
        }
        QuickCheck::new()
            .rng(Gen::from_size_and_seed(60, 9))
            .tests(5_000)
            .quickcheck(property as fn(Vec<u8>) -> bool);
    }
}
