//! Why a .torrent file is refused: one variant a defect (BEP 3, BEP 47, BEP 52).

use crate::bencode::BencodeError;
use crate::geometry::GeometryError;
use crate::layout::LayoutError;

/// Why bytes are not a torrent that can be loaded. The text is a sentence for the user.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MetainfoError {
    /// The bytes are not bencode, or too large, deep or long-winded.
    #[error("not a torrent file: {0}")]
    Bencode(#[from] BencodeError),
    /// The outermost value is not a dictionary.
    #[error("not a torrent file: the outermost value is not a dictionary")]
    NotADictionary,
    /// Info bytes from peers (BEP 9) have something behind the dictionary.
    #[error("{0} bytes follow the info dictionary")]
    Trailing(usize),
    /// No `info`.
    #[error("the `info` dictionary is missing")]
    MissingInfo,
    /// `info` is not a dictionary.
    #[error("`info` is not a dictionary")]
    InfoNotADictionary,
    /// A key that decides what is downloaded is there twice: clients read different ones.
    #[error("the key `{0}` is there twice, so clients would read different torrents")]
    DuplicateKey(&'static str),
    /// `piece length` is missing, negative or not an integer.
    #[error("`piece length` is missing or not an integer of at least 1")]
    MissingPieceLength,
    /// Sizes do not fit together, or pass a limit.
    #[error("unusable sizes: {0}")]
    Geometry(#[from] GeometryError),
    /// `pieces` is missing or not a string.
    #[error("`pieces` is missing or not a string")]
    MissingPieces,
    /// `pieces` is not a row of 20-byte hashes.
    #[error("`pieces` has {0} bytes, which is no multiple of 20")]
    PiecesLength(usize),
    /// The number of hashes does not fit the content.
    #[error("{got} piece hashes, the length of the content needs {expected}")]
    PieceCount {
        /// Hashes that came.
        got: usize,
        /// Pieces that the lengths make.
        expected: u32,
    },
    /// Neither `length` nor `files`.
    #[error("neither `length` nor `files` is there")]
    MissingLength,
    /// `length` of a single file is negative or not an integer.
    #[error("`length` is not an integer of at least 0")]
    Length,
    /// `files` is not a list.
    #[error("`files` is not a list")]
    FilesNotAList,
    /// `files` is empty, or only pad files are in it.
    #[error("the torrent has no files")]
    NoFiles,
    /// An entry of `files` is not a dictionary.
    #[error("entry {0} of `files` is not a dictionary")]
    FileNotADictionary(usize),
    /// An entry's `length` is missing, negative or not an integer.
    #[error("`length` of file {0} is not an integer of at least 0")]
    FileLength(usize),
    /// An entry's `path` is missing, empty or not a list.
    #[error("`path` of file {0} is missing or empty")]
    FilePath(usize),
    /// An element of an entry's `path` is not a string.
    #[error("`path` of file {0} has an element that is not a string")]
    FilePathElement(usize),
    /// The lengths overflow.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// A torrent of BitTorrent v2 only.
    #[error("this torrent is for BitTorrent v2 only (BEP 52), which is not supported: it has no v1 pieces")]
    V2Only {
        /// SHA-256 of the info dictionary.
        info_hash_v2: [u8; 32],
    },
    /// `meta version` of a future that BEP 52 says to refuse.
    #[error("`meta version` {0} is not supported")]
    MetaVersion(i64),
    /// A `file tree` without a `meta version`.
    #[error("there is a v2 `file tree`, but no `meta version`")]
    MissingMetaVersion,
    /// A v2 or hybrid torrent's `piece length` is not a power of two of at least 16 KiB.
    #[error("`piece length` of a v2 torrent is {0}, not a power of two of at least 16384")]
    V2PieceLength(u32),
    /// The v2 `file tree` cannot be read.
    #[error("the v2 `file tree` is malformed: {0}")]
    V2Tree(&'static str),
    /// The `piece layers` do not belong to the tree.
    #[error("the v2 `piece layers` are malformed: {0}")]
    V2Layers(&'static str),
    /// A hybrid whose v1 list and v2 tree are different torrents.
    #[error("the v1 files and the v2 `file tree` differ: {0}")]
    V2Mismatch(&'static str),
}
