//! The words between the announcer and its owner.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use crate::config::Encryption;
use crate::id::{InfoHash, PeerId};
use crate::time::Instant;
use crate::tracker::{AnnounceParams, PeerAddr, RequestId, RequestOptions, TrackerUrl};
use serde::{Deserialize, Serialize};

/// A tracker of one torrent; never reused within it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct TrackerKey(pub u32);

/// Who announces.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AnnouncerIdentity {
    /// Which torrent.
    pub info_hash: InfoHash,
    /// Our id of this run.
    pub peer_id: PeerId,
    /// Random, the same for all announces of the torrent in this run.
    pub key: u32,
    /// The port where peers reach us.
    pub port: u16,
}

/// How to announce.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct AnnouncerOptions {
    /// Local addresses are allowed throughout.
    pub allow_local: bool,
    /// The user typed the URLs.
    pub typed_by_user: bool,
    /// Whether we take encrypted connections, or no others.
    pub encryption: Encryption,
}

/// What the announcer asks of its owner.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TierOutput {
    /// Start a request.
    Start {
        /// Its id.
        request: RequestId,
        /// The tracker.
        url: TrackerUrl,
        /// What to tell.
        params: AnnounceParams,
        /// How.
        options: RequestOptions,
    },
    /// Cancel a request.
    Cancel {
        /// Which.
        request: RequestId,
    },
    /// The torrent stops: this request has until then and no longer.
    Hurry {
        /// Which.
        request: RequestId,
        /// When it is given up.
        until: Instant,
    },
    /// A tracker named peers.
    Peers {
        /// Which tracker.
        tracker: TrackerKey,
        /// The peers.
        peers: Vec<PeerAddr>,
        /// The tracker is on this machine, so loopback peers are credible.
        loopback_tracker: bool,
        /// Peers that are named by host name and port.
        hosts: Vec<(String, u16)>,
    },
    /// A tracker answered.
    Ok {
        /// Its URL, without secrets.
        url: String,
        /// Peers that have everything.
        seeders: Option<u32>,
        /// Peers that have not.
        leechers: Option<u32>,
        /// Peers in this answer.
        peers: usize,
        /// When it is announced to next.
        next: Instant,
        /// Its warning, fit for a terminal.
        warning: Option<String>,
    },
    /// A tracker failed.
    Failed {
        /// Its URL, without secrets.
        url: String,
        /// A sentence.
        text: String,
        /// When it is tried again; `None`: not until the user asks.
        retry_at: Option<Instant>,
    },
    /// Our address as a tracker sees it.
    ExternalIp(IpAddr),
    /// A private torrent now uses another tracker: drop every peer (BEP 27).
    SwitchedPrivateTracker,
    /// Every `stopped` announce is over.
    Stopped,
}

/// How a tracker is doing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TrackerState {
    /// Not asked yet.
    NotContacted,
    /// A request is on its way.
    Updating,
    /// The last announce was answered.
    Working {
        /// Peers that have everything.
        seeders: Option<u32>,
        /// Peers that have not.
        leechers: Option<u32>,
    },
    /// The last announce failed.
    Failed {
        /// A sentence.
        text: String,
    },
    /// Not asked until the user does, or never because its URL cannot be used.
    Disabled {
        /// A sentence.
        text: String,
    },
}

/// One line of a tracker list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrackerStatus {
    /// Its URL, without secrets.
    pub url: String,
    /// Its tier, from 0.
    pub tier: usize,
    /// How it is doing.
    pub state: TrackerState,
    /// When it is announced to next, if that is known.
    pub next: Option<Instant>,
    /// What its last announce failed for, a sentence, until one is answered.
    pub failure: Option<String>,
    /// Whether the last announce that is over was answered.
    pub answered: bool,
    /// Since when an announce is on its way.
    pub asked_since: Option<Instant>,
}
