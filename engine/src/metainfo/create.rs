//! Writing a .torrent file (BEP 3, 12, 19, 27, 47): canonical bencode of a description and its piece hashes.
//!
//! Reading and hashing files is the driver's part. What is written is read again before it is handed out, so a
//! torrent that our own reader would refuse is never made.

use super::{Metainfo, MetainfoError};
use crate::bencode::{self, BencodeError};
use crate::id::Sha1Digest;
use alloc::string::String;
use alloc::vec::Vec;
use serde::Serialize;
use serde_bytes::Bytes;

/// Shortest piece that [`pick_piece_length`] picks; also BEP 52's least.
const PICKED_MIN: u64 = 16 * 1024;

/// Longest piece that [`pick_piece_length`] picks: a bad byte then costs 16 MiB.
const PICKED_MAX: u64 = 16 * 1024 * 1024;

/// Pieces that [`pick_piece_length`] stays at or below, between its bounds: the .torrent file stays near 40 KiB.
const PICKED_PIECES: u64 = 2_000;

/// A torrent to write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewTorrent {
    /// Name of the file, or of the folder.
    pub name: String,
    /// What is in it.
    pub content: NewContent,
    /// Bytes of every piece but the last.
    pub piece_length: u32,
    /// The hash of each piece.
    pub pieces: Vec<Sha1Digest>,
    /// Tracker URLs by tier. `announce` is the first.
    pub trackers: Vec<Vec<String>>,
    /// Web seeds of BEP 19.
    pub web_seeds: Vec<String>,
    /// Peers may only come from the trackers.
    pub private: bool,
    /// A word about it.
    pub comment: Option<String>,
    /// The program that makes it.
    pub created_by: Option<String>,
    /// Seconds since 1970; leave it out for equal bytes from equal content.
    pub creation_date: Option<i64>,
    /// A word that changes the info-hash, which private trackers want.
    pub source: Option<String>,
}

/// Files of a torrent to write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NewContent {
    /// One file without a folder.
    Single {
        /// Length in bytes.
        length: u64,
    },
    /// A folder of files, in the order of the content.
    Multi(Vec<NewFile>),
}

/// A file in the folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewFile {
    /// Names of folders, then of the file.
    pub path: Vec<String>,
    /// Length in bytes.
    pub length: u64,
}

/// A torrent that was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Created {
    /// The .torrent file.
    pub bytes: Vec<u8>,
    /// What our reader makes of it.
    pub metainfo: Metainfo,
}

/// Why no torrent was written.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CreateError {
    /// A name is empty, `.` or `..`, or has a `/` or NUL: no client could create it.
    #[error("{0:?} cannot be the name of a file")]
    Name(String),
    /// A number that bencode cannot hold.
    #[error(transparent)]
    Bencode(#[from] BencodeError),
    /// The description is not a torrent that can be loaded.
    #[error(transparent)]
    Metainfo(#[from] MetainfoError),
}

/// Keys in the order of bencode.
#[derive(Serialize)]
struct Outer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    announce: Option<&'a str>,
    #[serde(rename = "announce-list", skip_serializing_if = "Option::is_none")]
    announce_list: Option<&'a [Vec<String>]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
    #[serde(rename = "created by", skip_serializing_if = "Option::is_none")]
    created_by: Option<&'a str>,
    #[serde(rename = "creation date", skip_serializing_if = "Option::is_none")]
    creation_date: Option<i64>,
    info: Info<'a>,
    #[serde(rename = "url-list", skip_serializing_if = "<[_]>::is_empty")]
    url_list: &'a [String],
}

/// Keys in the order of bencode.
#[derive(Serialize)]
struct Info<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Vec<File<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
    name: &'a str,
    #[serde(rename = "piece length")]
    piece_length: u32,
    pieces: &'a Bytes,
    #[serde(skip_serializing_if = "Option::is_none")]
    private: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
}

#[derive(Serialize)]
struct File<'a> {
    length: u64,
    path: &'a [String],
}

impl NewTorrent {
    /// A torrent that says only what is in it: no trackers, not private, no words about it.
    pub fn new(name: &str, content: NewContent, piece_length: u32, pieces: Vec<Sha1Digest>) -> Self {
        Self {
            name: name.into(),
            content,
            piece_length,
            pieces,
            trackers: Vec::new(),
            web_seeds: Vec::new(),
            private: false,
            comment: None,
            created_by: None,
            creation_date: None,
            source: None,
        }
    }

    /// Writes the torrent and reads it again.
    ///
    /// # Errors
    /// When a name is no name, or the sizes and hashes do not fit together.
    pub fn create(&self) -> Result<Created, CreateError> {
        self.check_names()?;
        let (files, length) = match &self.content {
            NewContent::Single { length } => (None, Some(*length)),
            NewContent::Multi(files) => {
                files.iter().try_for_each(|file| checked_length(file.length))?;
                (Some(files.iter().map(File::from).collect()), None)
            }
        };
        length.map_or(Ok(()), checked_length)?;
        let all: Vec<&String> = self.trackers.iter().flatten().collect();
        let outer = Outer {
            announce: all.first().map(|url| url.as_str()),
            announce_list: (all.len() > 1).then_some(&self.trackers),
            comment: self.comment.as_deref(),
            created_by: self.created_by.as_deref(),
            creation_date: self.creation_date,
            info: Info {
                files,
                length,
                name: &self.name,
                piece_length: self.piece_length,
                pieces: Bytes::new(self.pieces.as_flattened()),
                private: self.private.then_some(1),
                source: self.source.as_deref(),
            },
            url_list: &self.web_seeds,
        };
        let bytes = bencode::to_bytes(&outer)?;
        let metainfo = Metainfo::parse(&bytes)?;
        Ok(Created { bytes, metainfo })
    }

    fn check_names(&self) -> Result<(), CreateError> {
        let paths = match &self.content {
            NewContent::Single { .. } => &[][..],
            NewContent::Multi(files) => files,
        };
        let names = paths.iter().flat_map(|file| &file.path).chain([&self.name]);
        for name in names {
            if matches!(name.as_str(), "" | "." | "..") || name.contains(['/', '\0']) {
                return Err(CreateError::Name(name.clone()));
            }
        }
        Ok(())
    }
}

/// Bencode's integers are signed.
fn checked_length(length: u64) -> Result<(), CreateError> {
    match i64::try_from(length) {
        Ok(_) => Ok(()),
        Err(_) => Err(MetainfoError::from(crate::layout::LayoutError::TotalLength).into()),
    }
}

impl<'a> From<&'a NewFile> for File<'a> {
    fn from(file: &'a NewFile) -> Self {
        Self {
            length: file.length,
            path: &file.path,
        }
    }
}

/// A piece length for content of this length: a power of two from 16 KiB to 16 MiB that makes 1,000 to 2,000 pieces
/// where the bounds allow.
pub fn pick_piece_length(total: u64) -> u32 {
    let wanted = total.div_ceil(PICKED_PIECES).clamp(PICKED_MIN, PICKED_MAX);
    // a power of two that is not below `wanted` is at most PICKED_MAX, itself a power of two
    wanted.next_power_of_two() as u32
}
