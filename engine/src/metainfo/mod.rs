//! A .torrent file, read (BEP 3, 12, 27, 47) and checked against its v2 side where it has one (BEP 52).
//!
//! Invariants of a [`Metainfo`]: the info-hash is over the exact bytes that came, never over a re-encoding; there is
//! a hash for each piece and at least one byte of content; every path in the layout is safe and unique.

mod create;
mod error;
mod fields;
mod files;
mod info;
mod lint;
mod outer;
mod path;
pub(crate) mod stored;
#[cfg(test)]
mod tests;
mod v2;

pub use create::{CreateError, Created, NewContent, NewFile, NewTorrent, pick_piece_length};
pub use error::MetainfoError;
pub use lint::{LINTS_MAX, Lint};
pub use outer::{NODES_MAX, URL_LENGTH_MAX, URLS_MAX};
pub use path::{ELEMENT_MAX, safe_path};

use crate::bencode::{Limits, Scan, Value};
use crate::geometry::{Geometry, GeometryError};
use crate::id::{InfoHash, PieceIndex, Sha1Digest};
use crate::layout::Layout;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use fields::{Encoding, Fields};
use info::Info;
use lint::Lints;
use outer::Outer;

/// A torrent that can be downloaded by its v1 side.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Metainfo {
    /// SHA-1 of the info dictionary's bytes.
    pub info_hash: InfoHash,
    /// SHA-256 of the same bytes, for a hybrid.
    pub info_hash_v2: Option<[u8; 32]>,
    /// Name of the file or folder, safe as a path element.
    pub name: String,
    /// Bytes of every piece but the last.
    pub piece_length: u32,
    /// Bytes of content, pad files included. At least 1.
    pub total_length: u64,
    /// The files, at safe paths.
    pub layout: Arc<Layout>,
    /// Whether there is a folder, even for one file.
    pub multi_file: bool,
    /// Peers may only come from the trackers (BEP 27).
    pub private: bool,
    /// Tracker URLs by tier (BEP 12), in the order of the file. Leading white space is gone, else they are as written.
    pub trackers: Vec<Vec<String>>,
    /// Web seeds of BEP 19 (`url-list`). Of several files, each ends in a slash.
    pub web_seeds: Vec<String>,
    /// Web seeds of BEP 17 (`httpseeds`).
    pub http_seeds: Vec<String>,
    /// DHT nodes: host and port (BEP 5).
    pub nodes: Vec<(String, u16)>,
    /// What the creator says of it. Not escaped, as all foreign texts here.
    pub comment: Option<String>,
    /// The program that made it.
    pub created_by: Option<String>,
    /// Seconds since 1970.
    pub creation_date: Option<i64>,
    /// The tracker it was made for; only there to change the info-hash.
    pub source: Option<String>,
    /// Oddities, in the order in which they were found.
    pub lints: Vec<Lint>,
    /// The exact bytes of the info dictionary, which peers may ask for (BEP 9).
    pub info_bytes: Arc<[u8]>,
    piece_hashes: Arc<[Sha1Digest]>,
}

impl Metainfo {
    /// Reads a .torrent file.
    ///
    /// # Errors
    /// When it cannot be downloaded by its v1 side; the error says why.
    pub fn parse(bytes: &[u8]) -> Result<Self, MetainfoError> {
        let (value, scan) = Value::parse(bytes, &Limits::TORRENT)?;
        let fields = Fields::read(value).ok_or(MetainfoError::NotADictionary)?;
        if fields.has_twice("info") {
            return Err(MetainfoError::DuplicateKey("info"));
        }
        let info = fields.get("info").ok_or(MetainfoError::MissingInfo)?;
        let mut lints = Lints::default();
        note_form(&scan, bytes.len(), &mut lints);
        let encoding = Encoding::declared(&fields);
        let outer = Outer::read(&fields, encoding, &mut lints);
        Self::build(info, outer, encoding, lints)
    }

    /// Reads an info dictionary that came from peers (BEP 9). The caller has compared its hash.
    ///
    /// # Errors
    /// As [`Metainfo::parse`], and when bytes follow the dictionary.
    pub fn from_info(bytes: &[u8], trackers: Vec<Vec<String>>) -> Result<Self, MetainfoError> {
        let (info, scan) = Value::parse(bytes, &Limits::TORRENT)?;
        if scan.end != bytes.len() {
            return Err(MetainfoError::Trailing(bytes.len() - scan.end));
        }
        let mut lints = Lints::default();
        note_form(&scan, bytes.len(), &mut lints);
        let outer = Outer {
            trackers,
            ..Outer::default()
        };
        Self::build(info, outer, Encoding::Utf8, lints)
    }

    /// What a magnet link tells of a torrent whose info dictionary is not here: no byte, no file and no piece. It breaks
    /// the invariants on purpose, and only stands where the geometry is unknown too.
    pub(crate) fn placeholder(
        info_hash: InfoHash,
        info_hash_v2: Option<[u8; 32]>,
        name: String,
        trackers: Vec<Vec<String>>,
        web_seeds: Vec<String>,
    ) -> Self {
        Self {
            info_hash,
            info_hash_v2,
            name,
            piece_length: 1,
            total_length: 0,
            layout: Arc::new(Layout::empty()),
            multi_file: false,
            private: false,
            trackers,
            web_seeds,
            http_seeds: Vec::new(),
            nodes: Vec::new(),
            comment: None,
            created_by: None,
            creation_date: None,
            source: None,
            lints: Vec::new(),
            info_bytes: Arc::new([]),
            piece_hashes: Arc::new([]),
        }
    }

    fn build(
        value: Value<'_>,
        outer: Outer<'_>,
        encoding: Encoding,
        mut lints: Lints,
    ) -> Result<Self, MetainfoError> {
        let info = Info::read(value, &outer, encoding, &mut lints)?;
        let mut web_seeds = outer.web_seeds;
        if info.layout.files().len() > 1 {
            // BEP 19: the path of a file is put behind it
            for url in web_seeds.iter_mut().filter(|url| !url.ends_with('/')) {
                url.push('/');
            }
        }
        Ok(Self {
            info_hash: info.info_hash,
            info_hash_v2: info.info_hash_v2,
            name: info.name,
            piece_length: info.piece_length,
            total_length: info.layout.total(),
            layout: Arc::new(info.layout),
            multi_file: info.multi_file,
            private: info.private,
            trackers: outer.trackers,
            web_seeds,
            http_seeds: outer.http_seeds,
            nodes: outer.nodes,
            comment: outer.comment,
            created_by: outer.created_by,
            creation_date: outer.creation_date,
            source: info.source,
            lints: lints.into_vec(),
            info_bytes: value.raw().into(),
            piece_hashes: info.piece_hashes,
        })
    }

    /// A .torrent file with the exact info dictionary, the trackers and the web seeds.
    pub fn to_file(&self) -> Vec<u8> {
        let mut out = Vec::from(b"d".as_slice());
        let text = |out: &mut Vec<u8>, text: &str| {
            out.extend_from_slice(format!("{}:{text}", text.len()).as_bytes());
        };
        let tiers = self.trackers.iter().filter(|tier| !tier.is_empty());
        if let Some(first) = self.trackers.iter().flatten().next() {
            text(&mut out, "announce");
            text(&mut out, first);
            if self.trackers.iter().flatten().count() > 1 {
                text(&mut out, "announce-list");
                out.push(b'l');
                for tier in tiers {
                    out.push(b'l');
                    tier.iter().for_each(|url| text(&mut out, url));
                    out.push(b'e');
                }
                out.push(b'e');
            }
        }
        text(&mut out, "info");
        out.extend_from_slice(&self.info_bytes);
        if !self.web_seeds.is_empty() {
            text(&mut out, "url-list");
            out.push(b'l');
            self.web_seeds.iter().for_each(|url| text(&mut out, url));
            out.push(b'e');
        }
        out.push(b'e');
        out
    }

    /// Number of pieces, at least 1.
    pub fn pieces(&self) -> u32 {
        // reading compared it with the geometry, whose count is a u32
        self.piece_hashes.len() as u32
    }

    /// The SHA-1 that a piece must have; `None` for a piece that does not exist.
    pub fn piece_hash(&self, piece: PieceIndex) -> Option<Sha1Digest> {
        self.piece_hashes.get(piece.as_usize()).copied()
    }

    /// The sizes of the content.
    ///
    /// # Errors
    /// Only when `block_length` is zero: the rest was checked.
    pub fn geometry(&self, block_length: u32) -> Result<Geometry, GeometryError> {
        Geometry::new(self.total_length, u64::from(self.piece_length), block_length)
    }
}

/// Notes what is unusual about the bytes as such.
fn note_form(scan: &Scan, length: usize, lints: &mut Lints) {
    if scan.unsorted_keys {
        lints.add("unsorted-keys", "some dictionary's keys are not sorted");
    }
    if scan.duplicate_keys {
        lints.add(
            "duplicate-keys",
            "some dictionary has a key twice; the first counts",
        );
    }
    if scan.odd_numbers {
        lints.add("odd-numbers", "some number has a leading zero or is minus zero");
    }
    if scan.end < length {
        lints.add(
            "trailing-bytes",
            format!("{} bytes follow the torrent", length - scan.end),
        );
    }
}
