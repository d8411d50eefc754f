//! (under construction)

/// The content of a .torrent file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Metainfo {}
