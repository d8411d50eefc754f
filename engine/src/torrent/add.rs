//! How a torrent begins.

use crate::disk::Root;
use crate::id::PieceIndex;
use crate::metainfo::Metainfo;
use crate::priority::Priority;
use crate::throttle::RateLimit;
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
    /// Whether the saved state may spare hashing what was verified before.
    pub trust_resume: bool,
    /// Limits of its own.
    pub limits: TorrentLimits,
    /// How much each file is wanted, in the torrent's order, pad files included; those beyond the end of the list as
    /// usual.
    pub priorities: Vec<Priority>,
    /// Whether pieces are fetched in their order.
    pub sequential: bool,
}

/// Limits of one torrent, beside those over all of them. In a command, `None` leaves one as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TorrentLimits {
    /// What is read from its peers; unlimited, if nothing is said.
    pub rate_down: Option<RateLimit>,
    /// What is sent to its peers; unlimited, if nothing is said.
    pub rate_up: Option<RateLimit>,
    /// Connections, instead of those that each torrent may have.
    pub connections: Option<usize>,
    /// Unchoke slots, instead of those that each torrent has.
    pub slots: Option<u32>,
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
