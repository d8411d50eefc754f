//! Which bytes of the content lie in which file.

use alloc::string::String;
use alloc::vec::Vec;

/// One file of the content, at a path that is safe below the output folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LayoutFile {
    /// Safe relative path, `/` between its parts, the torrent's own folder included.
    pub path: String,
    /// Length in bytes.
    pub length: u64,
    /// Offset of the first byte within the content.
    pub offset: u64,
    /// A pad file (BEP 47): zeros that are hashed but never written.
    pub pad: bool,
}

/// The files of a torrent in the order of the content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    files: Vec<LayoutFile>,
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
    /// The files in the order of the content.
    pub fn files(&self) -> &[LayoutFile] {
        &self.files
    }
}
