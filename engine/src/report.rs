//! What an engine tells its user: values, each with a sentence as its `Display`.

use crate::disk::DiskError;
use crate::geometry::BlockRange;
use crate::id::{ConnId, InfoHash, PieceIndex, TorrentId};
use crate::metainfo::Metainfo;
use crate::mse::Mode;
use crate::net::CloseCause;
use crate::session::End;
use crate::time::Instant;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use serde::{Deserialize, Serialize};

/// Something that a user or a test may want to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Report {
    /// A torrent was taken.
    Added {
        /// Its number.
        torrent: TorrentId,
        /// Its identity.
        info_hash: InfoHash,
        /// Its name, fit for a terminal.
        name: String,
    },
    /// A command could not be carried out.
    Rejected {
        /// Which command, in a word.
        command: &'static str,
        /// Why, in a sentence.
        why: String,
    },
    /// A torrent went into another state.
    State {
        /// Which torrent.
        torrent: TorrentId,
        /// The new state.
        state: TorrentState,
    },
    /// A tracker answered.
    TrackerOk {
        /// Which torrent.
        torrent: TorrentId,
        /// The tracker without its secrets.
        url: String,
        /// Seeders it knows.
        seeders: Option<u32>,
        /// Leechers it knows.
        leechers: Option<u32>,
        /// Peers it named.
        peers: usize,
        /// When it is asked again.
        next: Instant,
        /// What it warns of, fit for a terminal.
        warning: Option<String>,
    },
    /// A tracker failed.
    TrackerFailed {
        /// Which torrent.
        torrent: TorrentId,
        /// The tracker without its secrets.
        url: String,
        /// Why, in a sentence fit for a terminal.
        text: String,
        /// When it is tried again; never, if the tracker said so.
        retry_at: Option<Instant>,
    },
    /// The metadata of a magnet link is here, and its hash is right.
    Metadata {
        /// Which torrent.
        torrent: TorrentId,
        /// The name in it, fit for a terminal.
        name: String,
        /// Bytes of content.
        total_length: u64,
        /// Number of pieces.
        pieces: u32,
        /// Peers may only come from its trackers.
        private: bool,
        /// All of it, with the trackers of the link.
        metainfo: Arc<Metainfo>,
    },
    /// Metadata came whole and its hash is wrong.
    MetadataFailed {
        /// Which torrent.
        torrent: TorrentId,
        /// Who sent parts of it. One alone is banned.
        contributors: Vec<IpAddr>,
        /// How often it has come wrong by now.
        failures: u32,
    },
    /// The handshake with a peer is done.
    PeerConnected {
        /// Which torrent.
        torrent: TorrentId,
        /// Which connection.
        conn: ConnId,
        /// Its address.
        addr: SocketAddr,
        /// Its client as its peer id tells it, fit for a terminal.
        client: String,
        /// What its encrypted handshake agreed on; none if it had none.
        encryption: Option<Mode>,
    },
    /// A connection to a peer ended, or was never established.
    PeerClosed {
        /// Which torrent; none if the handshake did not get so far.
        torrent: Option<TorrentId>,
        /// Which connection.
        conn: ConnId,
        /// Its address.
        addr: SocketAddr,
        /// Why.
        why: PeerClosed,
    },
    /// A piece arrived or was found, and its hash is right.
    PieceVerified {
        /// Which torrent.
        torrent: TorrentId,
        /// Which piece.
        piece: PieceIndex,
        /// Pieces verified now.
        have: u32,
        /// Pieces in all.
        pieces: u32,
    },
    /// A piece arrived and its hash is wrong.
    PieceFailed {
        /// Which torrent.
        torrent: TorrentId,
        /// Which piece.
        piece: PieceIndex,
        /// Who sent parts of it.
        contributors: Vec<IpAddr>,
        /// Failures of this piece by now.
        failures: u32,
    },
    /// An address is not dealt with any more.
    Banned {
        /// Which torrent.
        torrent: TorrentId,
        /// The address.
        ip: IpAddr,
        /// The evidence.
        why: BanReason,
    },
    /// What is on the disk was hashed.
    Checked {
        /// Which torrent.
        torrent: TorrentId,
        /// Pieces that are right.
        have: u32,
        /// Pieces whose bytes are there and wrong.
        bad: Vec<PieceIndex>,
        /// Pieces whose bytes are not all there.
        missing: Vec<PieceIndex>,
    },
    /// Every wanted piece is verified and on the disk. A torrent that was added to be seeded says so only if it has
    /// everything.
    Completed {
        /// Which torrent.
        torrent: TorrentId,
    },
    /// Storage failed.
    DiskFailed {
        /// Which torrent.
        torrent: TorrentId,
        /// What failed, fit for a terminal.
        error: DiskError,
        /// When it is tried again; only when the user says so, if none.
        retry_at: Option<Instant>,
    },
    /// A choice of the choker.
    Choke {
        /// Which torrent.
        torrent: TorrentId,
        /// Whose choke state changed.
        conn: ConnId,
        /// Whether the peer may request now.
        unchoked: bool,
        /// The choker's reason.
        why: String,
    },
    /// Something that the user should know and that is no failure.
    Note {
        /// Which torrent.
        torrent: TorrentId,
        /// A sentence, fit for a terminal.
        text: String,
    },
    /// With `Config::trace`: something odd that a peer did and that is no failure.
    Lint {
        /// Which torrent.
        torrent: TorrentId,
        /// Which connection.
        conn: ConnId,
        /// What, in a few words.
        text: &'static str,
    },
    /// With `Config::trace`: a message on a peer connection.
    Wire {
        /// Which torrent.
        torrent: TorrentId,
        /// Which connection.
        conn: ConnId,
        /// Whether we sent it.
        sent: bool,
        /// One line.
        text: String,
    },
    /// With `Config::trace`: a datagram or a head of a tracker exchange, sent or received.
    Tracker {
        /// Which torrent; none for a probe.
        torrent: Option<TorrentId>,
        /// One line, without secrets.
        text: String,
    },
    /// With `Config::trace`: an announce to the local network, sent or heard (BEP 14).
    Lsd {
        /// One line.
        text: String,
    },
    /// Answer to `Command::Fetch`.
    Fetched {
        /// The body, or a sentence.
        result: Result<Vec<u8>, String>,
    },
    /// Answer to `Command::ProbeTracker`.
    TrackerProbed {
        /// What the tracker said.
        result: TrackerProbe,
    },
    /// A torrent is gone.
    Removed {
        /// Which torrent.
        torrent: TorrentId,
    },
    /// Nothing is left to do after `Command::Shutdown`.
    ShutDown,
}

/// What a torrent does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TorrentState {
    /// Learns from its peers what it is.
    Metadata,
    /// Knows what it is, and waits until its user says which files are wanted.
    Choosing,
    /// Waits until other downloads are complete.
    Queued,
    /// Learns what is on the disk.
    Opening,
    /// Hashes what is on the disk.
    Checking,
    /// Fetches.
    Downloading,
    /// Has everything wanted, serves.
    Seeding,
    /// Was told to stop for now.
    Paused,
    /// Storage failed; goes on by itself if it says when.
    DiskFailed {
        /// What failed.
        error: DiskError,
        /// When it is tried again.
        retry_at: Option<Instant>,
    },
    /// Cannot go on without the user.
    Failed {
        /// A sentence that says what to do.
        text: String,
    },
    /// Tells its trackers and saves its state.
    Stopping,
}

/// Why a peer connection is no more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PeerClosed {
    /// We ended it.
    ByUs(End),
    /// It ended.
    ByThem(CloseCause),
    /// It ended within its encrypted handshake, and is dialled again in plain.
    PlainNext,
}

/// The evidence against a banned address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum BanReason {
    /// It sent all of a piece that failed its hash.
    SoleSource {
        /// The piece.
        piece: PieceIndex,
    },
    /// Its block of a failed piece differs from that of the good copy.
    BlockDiffers {
        /// The block.
        block: BlockRange,
    },
    /// It sent all of a dictionary with the wrong hash.
    Metadata,
}

/// What a probed tracker said.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TrackerProbe {
    /// Whether the announce or scrape was answered well.
    pub ok: bool,
    /// Seeders it knows.
    pub seeders: Option<u32>,
    /// Leechers it knows.
    pub leechers: Option<u32>,
    /// Completed downloads it knows.
    pub completed: Option<u32>,
    /// Its interval, in seconds.
    pub interval: Option<u64>,
    /// Its minimum interval, in seconds.
    pub min_interval: Option<u64>,
    /// Its warning.
    pub warning: Option<String>,
    /// Why it failed, in a sentence.
    pub failure: Option<String>,
    /// Peers it named.
    pub peers: Vec<SocketAddr>,
    /// Requests or datagrams sent.
    pub attempts: u32,
}

impl fmt::Display for TorrentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metadata => f.write_str("fetching metadata"),
            Self::Choosing => f.write_str("waiting for a choice of files"),
            Self::Queued => f.write_str("queued"),
            Self::Opening => f.write_str("opening"),
            Self::Checking => f.write_str("checking"),
            Self::Downloading => f.write_str("downloading"),
            Self::Seeding => f.write_str("seeding"),
            Self::Paused => f.write_str("paused"),
            Self::DiskFailed {
                error,
                retry_at: Some(at),
            } => {
                write!(f, "storage failed: {error}; tried again at {at} s")
            }
            Self::DiskFailed {
                error,
                retry_at: None,
            } => write!(f, "storage failed: {error}"),
            Self::Failed { text } => f.write_str(text),
            Self::Stopping => f.write_str("stopping"),
        }
    }
}

impl fmt::Display for PeerClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByUs(end) => end.fmt(f),
            Self::ByThem(cause) => cause.fmt(f),
            Self::PlainNext => f.write_str("does not understand encryption, plain is next"),
        }
    }
}

impl fmt::Display for BanReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SoleSource { piece } => write!(f, "sent all of piece {}, which failed its hash", piece.0),
            Self::BlockDiffers { block } => {
                write!(f, "its block {block} differs from the one that passed the hash")
            }
            Self::Metadata => f.write_str("sent all of the metadata, which failed its hash"),
        }
    }
}
