//! A torrent and its content, for worlds.

use super::MemoryDisk;
use seedbed_engine::id::Sha1Digest;
use seedbed_engine::metainfo::Metainfo;
use seedbed_engine::metainfo::{NewContent, NewFile, NewTorrent};
use sha1::{Digest, Sha1};
use std::sync::Arc;

/// A torrent with everything that it is about.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The torrent.
    pub metainfo: Arc<Metainfo>,
    /// Its .torrent file.
    pub bytes: Vec<u8>,
    /// Its content, one file behind the other.
    pub content: Vec<u8>,
}

impl Sample {
    /// A torrent of one file.
    ///
    /// # Panics
    /// When the sizes make no torrent.
    #[must_use]
    pub fn single(length: usize, piece_length: u32, trackers: &[&str]) -> Self {
        Self::of(
            NewContent::Single {
                length: length as u64,
            },
            length,
            piece_length,
            trackers,
        )
    }

    /// A torrent of several files, the n-th of the n-th length.
    ///
    /// # Panics
    /// When the sizes make no torrent.
    #[must_use]
    pub fn multi(lengths: &[usize], piece_length: u32, trackers: &[&str]) -> Self {
        let file = |(n, length): (usize, &usize)| NewFile {
            path: vec!["folder".into(), format!("file-{n}")],
            length: *length as u64,
        };
        let files = lengths.iter().enumerate().map(file).collect();
        Self::of(
            NewContent::Multi(files),
            lengths.iter().sum(),
            piece_length,
            trackers,
        )
    }

    /// A private torrent (BEP 27) of one file.
    ///
    /// # Panics
    /// When the sizes make no torrent.
    #[must_use]
    pub fn private(length: usize, piece_length: u32, trackers: &[&str]) -> Self {
        let bytes = length as u64;
        Self::made(
            NewContent::Single { length: bytes },
            length,
            piece_length,
            trackers,
            true,
        )
    }

    fn of(files: NewContent, length: usize, piece_length: u32, trackers: &[&str]) -> Self {
        Self::made(files, length, piece_length, trackers, false)
    }

    fn made(files: NewContent, length: usize, piece_length: u32, trackers: &[&str], private: bool) -> Self {
        let content = crate::payload(1, length);
        let hash = |piece: &[u8]| -> Sha1Digest { Sha1::digest(piece).into() };
        let pieces = content.chunks(piece_length as usize).map(hash).collect();
        let torrent = NewTorrent {
            trackers: trackers.iter().map(|url| vec![(*url).to_string()]).collect(),
            private,
            ..NewTorrent::new("sample", files, piece_length, pieces)
        };
        let created = torrent.create().expect("the sizes make a torrent");
        Self {
            metainfo: Arc::new(created.metainfo),
            bytes: created.bytes,
            content,
        }
    }

    /// An empty disk for it.
    #[must_use]
    pub fn empty_disk(&self, block_length: u32) -> MemoryDisk {
        MemoryDisk::new(
            self.metainfo.piece_length.into(),
            block_length.min(self.metainfo.piece_length).into(),
        )
    }

    /// A disk that holds all of it.
    #[must_use]
    pub fn full_disk(&self, block_length: u32) -> MemoryDisk {
        let mut disk = self.empty_disk(block_length);
        for file in self.metainfo.layout.files().iter().filter(|file| !file.pad) {
            let begin = usize::try_from(file.offset).expect("small");
            let end = begin + usize::try_from(file.length).expect("small");
            disk.files
                .insert(file.path.clone(), self.content[begin..end].to_vec());
        }
        disk
    }

    /// Whether a disk holds all of it.
    #[must_use]
    pub fn is_on(&self, disk: &MemoryDisk) -> bool {
        disk.files == self.full_disk(1).files
    }
}
