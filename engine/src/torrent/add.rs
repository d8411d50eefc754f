//! How a torrent begins.

use crate::disk::Root;
use crate::id::{InfoHash, PieceIndex};
use crate::magnet::Magnet;
use crate::metadata::Identity;
use crate::metainfo::Metainfo;
use crate::priority::Priority;
use crate::throttle::RateLimit;
use alloc::boxed::Box;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What says which torrent it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TorrentSource {
    /// A .torrent file, read.
    Metainfo(#[serde(with = "crate::metainfo::stored")] Arc<Metainfo>),
    /// A magnet link: its peers know the rest (BEP 9).
    #[serde(serialize_with = "write_magnet", deserialize_with = "read_magnet")]
    Magnet(Box<Magnet>),
}

impl TorrentSource {
    /// What peers and trackers know the torrent by.
    pub fn info_hash(&self) -> InfoHash {
        match self {
            Self::Metainfo(metainfo) => metainfo.info_hash,
            Self::Magnet(magnet) => identity(magnet).on_the_wire(),
        }
    }

    /// Its trackers, by tier.
    pub fn trackers(&self) -> Vec<Vec<String>> {
        match self {
            Self::Metainfo(metainfo) => metainfo.trackers.clone(),
            // each a tier of its own: a link says nothing of tiers
            Self::Magnet(magnet) => magnet.trackers.iter().map(|url| [url.clone()].to_vec()).collect(),
        }
    }

    /// The torrent file, if that is what it is.
    pub const fn metainfo(&self) -> Option<&Arc<Metainfo>> {
        match self {
            Self::Metainfo(metainfo) => Some(metainfo),
            Self::Magnet(_) => None,
        }
    }
}

impl From<Arc<Metainfo>> for TorrentSource {
    fn from(metainfo: Arc<Metainfo>) -> Self {
        Self::Metainfo(metainfo)
    }
}

/// The hashes that the info dictionary of a link must have.
pub(super) const fn identity(magnet: &Magnet) -> Identity {
    Identity {
        v1: magnet.info_hash,
        v2: magnet.info_hash_v2,
    }
}

fn write_magnet<S: Serializer>(magnet: &Magnet, serializer: S) -> Result<S::Ok, S::Error> {
    magnet.to_string().serialize(serializer)
}

fn read_magnet<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<Magnet>, D::Error> {
    let link = String::deserialize(deserializer)?;
    Magnet::parse(&link).map(Box::new).map_err(D::Error::custom)
}

/// How a torrent begins.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AddTorrent {
    /// What to download or seed.
    pub source: TorrentSource,
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
    /// Limits of its own.
    pub limits: TorrentLimits,
    /// How much each file is wanted, in the torrent's order, pad files included; those beyond the end of the list as
    /// usual.
    pub priorities: Vec<Priority>,
    /// Whether a link, once its files are known ([`Report::Metadata`](crate::report::Report::Metadata)), waits for
    /// [`Command::SetPriorities`](crate::event::Command::SetPriorities) before any of them is looked at, made or fetched.
    /// Files of a torrent file are known before, so nothing waits there.
    pub waits_for_choice: bool,
    /// Whether pieces are fetched in their order.
    pub sequential: bool,
}

impl AddTorrent {
    /// A torrent without a word more about it: its trackers are announced to, what was verified is believed, files of
    /// others are left alone.
    pub fn new(source: impl Into<TorrentSource>, root: Root, purpose: Purpose) -> Self {
        Self {
            source: source.into(),
            root,
            purpose,
            only_pieces: None,
            peers: Vec::new(),
            use_trackers: true,
            extra_trackers: Vec::new(),
            overwrite: false,
            super_seed: false,
            trust_resume: true,
            limits: TorrentLimits::default(),
            priorities: Vec::new(),
            waits_for_choice: false,
            sequential: false,
        }
    }
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
    /// Learn from peers what it is, then nothing: no file is made.
    Metadata,
    /// Hash what is there, then nothing: no connection, no announce, no saved state.
    Check,
}
