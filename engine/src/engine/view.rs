//! Read-only views of an engine's state, for the command line and for tests.

use crate::bitfield::Bitfield;
use crate::candidates::Candidates;
use crate::id::InfoHash;
use crate::metainfo::Metainfo;
use crate::report::TorrentState;
use crate::time::Instant;
use crate::torrent::why::Cause;
use crate::torrent::{PeerView, Status, Torrent, TrackerView};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A torrent, looked at.
#[derive(Clone, Copy, Debug)]
pub struct TorrentView<'a> {
    pub(super) torrent: &'a Torrent,
}

impl<'a> TorrentView<'a> {
    /// Whom it knows, and how others see us.
    pub const fn candidates(&self) -> &'a Candidates {
        self.torrent.candidates()
    }

    /// What it does.
    pub fn state(&self) -> TorrentState {
        self.torrent.state()
    }

    /// The figures.
    pub fn status(&self, now: Instant) -> Status {
        self.torrent.status(now)
    }

    /// Identity of the torrent.
    pub fn info_hash(&self) -> InfoHash {
        self.torrent.info_hash()
    }

    /// Name of the torrent, fit for a terminal.
    pub fn name(&self) -> String {
        crate::net::printable(self.torrent.name(), 200)
    }

    /// The torrent file; none before the metadata of a magnet link is here.
    pub fn metainfo(&self) -> Option<&'a Arc<Metainfo>> {
        self.torrent.metainfo()
    }

    /// Verified pieces.
    pub fn have(&self) -> &'a Bitfield {
        self.torrent.have()
    }

    /// Its peers, by connection.
    pub fn peers(&self, now: Instant) -> Vec<PeerView> {
        self.torrent.peers(now)
    }

    /// Its trackers, by tier.
    pub fn trackers(&self) -> Vec<TrackerView> {
        self.torrent.trackers()
    }

    /// Every cause that holds now of why it does not get on, the one that counts most first. Never empty.
    pub fn why(&self, now: Instant) -> Vec<Cause> {
        self.torrent.why(now)
    }

    /// Holds the parts of the torrent against each other; for tests.
    ///
    /// # Errors
    /// Says what does not agree.
    pub fn audit(&self) -> Result<(), String> {
        self.torrent.audit()
    }

    /// Holds what its peers owe against what its picker waits for; for tests.
    ///
    /// # Errors
    /// Says what does not agree.
    pub fn audit_requests(&self) -> Result<(), String> {
        self.torrent.audit_requests()
    }

    /// Holds its counts of the pieces that peers have against those peers; for tests.
    ///
    /// # Errors
    /// Says what does not agree.
    pub fn audit_availability(&self) -> Result<(), String> {
        self.torrent.audit_availability()
    }
}
