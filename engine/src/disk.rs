//! What the engine asks of storage, and what storage answers.
//!
//! The engine never touches a file: it names a range of a piece, the driver maps it to files with the
//! [`Layout`] that came with [`DiskJob::Open`].

use crate::block::Block;
use crate::geometry::{BlockRange, Geometry};
use crate::id::{InfoHash, PieceIndex, Sha1Digest};
use crate::layout::Layout;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// The output folder of a torrent: bytes that only the driver understands (a path on its system).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "ByteBuf", into = "ByteBuf")]
pub struct Root(pub Arc<[u8]>);

impl From<ByteBuf> for Root {
    fn from(bytes: ByteBuf) -> Self {
        Self(bytes.into_vec().into())
    }
}

impl From<Root> for ByteBuf {
    fn from(root: Root) -> Self {
        Self::from(root.0.to_vec())
    }
}

/// One request to the storage of one torrent. Jobs of a torrent take effect in the order of their actions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DiskJob {
    /// First job of a torrent: names its files, reads what is known of them, changes nothing. When it comes again,
    /// storage forgets what it took since, and looks at what is there now, be it another folder.
    Open {
        /// Where the files lie.
        root: Root,
        /// Which files, of which length, and which bytes of the content each holds.
        layout: Arc<Layout>,
        /// How the content is cut into pieces and blocks.
        geometry: Geometry,
        /// Key of the saved resume state.
        info_hash: InfoHash,
    },
    /// Where bytes lie from now on: the same files, of which others are skipped. What of a file lies elsewhere now is
    /// copied there, as far as it is there. When nothing is skipped any more, the file of parts is removed.
    Arrange {
        /// The layout from now on.
        layout: Arc<Layout>,
    },
    /// Creates missing folders and files (empty ones too) and allocates as the driver was told. Never truncates, and
    /// never makes the output folder a second time: what went away with its content is `Missing`.
    Prepare,
    /// Takes a block of payload. Answered when storage owns it, which is before it is on the disk.
    Write {
        /// Where it belongs. Always one of our own blocks.
        range: BlockRange,
        /// The payload.
        data: Block,
    },
    /// Reads a range for a peer.
    Read {
        /// What to read. Always within one piece.
        range: BlockRange,
    },
    /// SHA-1 of a whole piece, over the blocks taken and, where there are none, the bytes on the disk. When it
    /// is answered, every byte of the piece was handed to the operating system.
    Hash {
        /// Which piece.
        piece: PieceIndex,
    },
    /// SHA-1 of each block of a piece, for finding out who sent a bad one.
    Digests {
        /// Which piece.
        piece: PieceIndex,
    },
    /// Makes all that was written durable. `Missing` when the files or their folder are no longer at their place.
    Sync,
    /// Replaces the saved resume state, atomically.
    SaveResume {
        /// The bytes to save.
        data: Vec<u8>,
    },
    /// Reads the info dictionary that [`DiskJob::SaveMetadata`] kept, in this run or an earlier one. Comes before `Open`, when
    /// the files are not known yet.
    LoadMetadata {
        /// Its key.
        info_hash: InfoHash,
    },
    /// Keeps an info dictionary that came from peers, atomically, beside the resume states. Needs no `Open`.
    SaveMetadata {
        /// Its key: what peers and trackers know the torrent by.
        info_hash: InfoHash,
        /// The exact bytes.
        data: Arc<[u8]>,
    },
    /// Flushes and closes the files. No job follows but another `Open`.
    Close,
}

/// What a file looked like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileStamp {
    /// Length in bytes.
    pub length: u64,
    /// Modification time in nanoseconds since 1970, as the file system tells it.
    pub modified_ns: i64,
}

/// The answer to a job that went well.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DiskDone {
    /// To `Open`: a stamp a file of the layout (`None`: not there, or a pad file), and the saved resume state.
    Opened {
        /// One entry a file of the layout.
        files: Vec<Option<FileStamp>>,
        /// What `SaveResume` wrote last, if anything.
        resume: Option<Vec<u8>>,
    },
    /// To `Arrange`.
    Arranged,
    /// To `Prepare`.
    Prepared,
    /// To `Write`.
    Written,
    /// To `Read`: exactly the bytes asked for.
    Read(Block),
    /// To `Hash`.
    Hash(Sha1Digest),
    /// To `Digests`: one a block.
    Digests(Vec<Sha1Digest>),
    /// To `Sync`: as for `Open`.
    Synced {
        /// One entry a file of the layout.
        files: Vec<Option<FileStamp>>,
    },
    /// To `SaveResume` and `SaveMetadata`.
    Saved,
    /// To `LoadMetadata`: what is kept, if anything. Whoever asked compares its hash.
    Metadata(Option<Vec<u8>>),
    /// To `Close`.
    Closed,
}

/// Kind of a storage failure: what the engine's reaction depends on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum DiskFault {
    /// No space or quota left.
    Full,
    /// The file, or a part of the range, is not there.
    Missing,
    /// Permission denied or read-only.
    Denied,
    /// Something of another kind is in the way: a folder where a file belongs, a symlink.
    InTheWay,
    /// Anything else.
    Io,
}

/// A failed job.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DiskError {
    /// What kind of failure.
    pub fault: DiskFault,
    /// The file and the operating system's words, for the user.
    pub text: String,
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
