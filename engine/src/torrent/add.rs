//! How a torrent begins.

use crate::bitfield::Bitfield;
use crate::disk::Root;
use crate::geometry::Geometry;
use crate::id::PieceIndex;
use crate::metainfo::Metainfo;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use serde::{Deserialize, Serialize};

/// How a torrent begins.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AddTorrent {
    /// What to download or seed.
    #[serde(with = "crate::metainfo::stored")]
    pub metainfo: Arc<Metainfo>,
    /// Where its files are or will be.
    pub root: Root,
    /// What to do with it.
    pub purpose: Purpose,
    /// Only these pieces, if given.
    pub only_pieces: Option<Vec<PieceIndex>>,
    /// Peers that the user named.
    pub peers: Vec<SocketAddr>,
    /// Whether the torrent's trackers are announced to.
    pub use_trackers: bool,
    /// Trackers that the user named, beside the torrent's own.
    pub extra_trackers: Vec<Vec<String>>,
    /// Whether files may be written over that exist, belong to no download of ours, and match in no piece.
    pub overwrite: bool,
    /// Whether peers are shown one piece at a time (BEP 16), to spread what nobody else has. Only with [`Purpose::Seed`].
    pub super_seed: bool,
    /// Whether the saved state may spare hashing what was verified before.
    pub trust_resume: bool,
}

/// What a torrent is there for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Purpose {
    /// Fetch what is missing, serve what is there.
    Download,
    /// Serve what is there, fetch nothing.
    Seed,
    /// Hash what is there, then nothing: no connection, no announce, no saved state.
    Check,
}

/// The pieces that are to be fetched.
pub(super) fn wanted(add: &AddTorrent, geometry: &Geometry) -> Bitfield {
    let pieces = geometry.pieces();
    match (add.purpose, &add.only_pieces) {
        (Purpose::Seed, _) => Bitfield::new(pieces),
        (Purpose::Download | Purpose::Check, None) => Bitfield::full(pieces),
        (Purpose::Download | Purpose::Check, Some(only)) => {
            let mut set = Bitfield::new(pieces);
            for piece in only {
                set.insert(*piece);
            }
            set
        }
    }
}
