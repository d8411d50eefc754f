//! One torrent's policy of announcing.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use super::{
    AnnounceError, AnnounceParams, Counters, PeerAddr, RequestId, RequestIds, RequestOptions, TrackerReply,
    TrackerUrl,
};
use crate::config::TrackerConfig;
use crate::http::UrlError;
use crate::id::{InfoHash, PeerId};
use crate::rng::Rng;
use crate::time::Instant;

/// A tracker of one torrent; never reused within it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TrackerKey(pub u32);

/// Who announces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct AnnouncerOptions {
    /// Local addresses are allowed throughout.
    pub allow_local: bool,
    /// The user typed the URLs.
    pub typed_by_user: bool,
    /// Whether we can receive encrypted connections.
    pub supports_encryption: bool,
}

/// What the announcer asks of its owner.
#[derive(Clone, PartialEq, Eq, Debug)]
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
#[derive(Clone, PartialEq, Eq, Debug)]
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
}

/// One torrent's policy of announcing.
#[derive(Clone, Debug)]
pub struct Announcer {
    outputs: VecDeque<TierOutput>,
}

impl Announcer {
    /// An announcer that has not been started.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        _tiers: &[Vec<String>],
        _private: bool,
        _identity: AnnouncerIdentity,
        _config: &TrackerConfig,
        _ids: RequestIds,
        _shuffle: &mut Rng,
        _jitter: Rng,
        _options: AnnouncerOptions,
    ) -> Self {
        Self {
            outputs: VecDeque::new(),
        }
    }

    /// The torrent starts: `started` is due.
    pub fn start(&mut self, _now: Instant) {}

    /// The torrent stops: `stopped` goes to every tracker that may count us as a peer.
    pub fn stop(&mut self, _now: Instant) {}

    /// The download has become complete in this run.
    pub fn complete(&mut self, _now: Instant) {}

    /// The user wants an announce, as soon as the tracker's rules allow.
    pub fn reannounce(&mut self, _now: Instant) {}

    /// Our addresses may have changed.
    pub fn network_changed(&mut self, _now: Instant) {}

    /// Adds a tracker as a tier of its own, unless it is known.
    ///
    /// # Errors
    /// The URL cannot be used.
    pub fn add_tracker(&mut self, _now: Instant, _url: &str) -> Result<(), UrlError> {
        Ok(())
    }

    /// Whether the torrent is a partial seed: it lacks pieces and wants none of them (BEP 21).
    pub fn set_partial_seed(&mut self, _partial: bool) {}

    /// Time has passed; call it at [`Announcer::deadline`].
    pub fn handle_timeout(&mut self, _now: Instant, _counters: &Counters) {}

    /// A request is over.
    pub fn handle_done(
        &mut self,
        _now: Instant,
        _request: RequestId,
        _result: Result<TrackerReply, AnnounceError>,
        _counters: &Counters,
    ) {
    }

    /// A request's first time-out has passed.
    pub fn handle_first_timeout(&mut self, _now: Instant, _request: RequestId) {}

    /// What to do next, in order.
    pub fn poll_output(&mut self) -> Option<TierOutput> {
        self.outputs.pop_front()
    }

    /// When `handle_timeout` is due.
    pub fn deadline(&self) -> Option<Instant> {
        None
    }

    /// All trackers in order.
    pub fn status(&self) -> impl Iterator<Item = TrackerStatus> + '_ {
        core::iter::empty()
    }
}
