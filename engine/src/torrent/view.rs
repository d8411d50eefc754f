//! The state of a torrent as values for the user.

use super::{Phase, Torrent};
use crate::candidates::Candidates;
use crate::id::{ConnId, InfoHash};
use crate::ledger::Ledger;
use crate::metainfo::Metainfo;
use crate::mse::Mode;
use crate::net::printable;
use crate::report::TorrentState;
use crate::time::Instant;
use crate::tracker::tiers::{Announcer, TrackerState};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;

/// The figures of a torrent. Bytes, bytes per second, counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status {
    /// What it does.
    pub state: TorrentState,
    /// Bytes of the content.
    pub total_length: u64,
    /// Bytes of the wanted pieces.
    pub wanted: u64,
    /// Bytes of verified pieces among the wanted ones.
    pub verified: u64,
    /// Pieces of the content.
    pub pieces: u32,
    /// Pieces verified.
    pub pieces_have: u32,
    /// While checking: pieces hashed so far.
    pub pieces_checked: u32,
    /// Payload received in this run, waste included: that of all whole blocks.
    pub downloaded: u64,
    /// Payload sent in this run.
    pub uploaded: u64,
    /// Payload received in this run that was of no use: all classes of `received` but useful and protocol.
    pub wasted: u64,
    /// All bytes received in this run by what became of them. A block that is arriving is not in it yet.
    pub received: Ledger,
    /// Payload received a second.
    pub rate_down: u64,
    /// Payload sent a second.
    pub rate_up: u64,
    /// Peers past their handshake.
    pub peers: usize,
    /// Peers that have everything.
    pub seeds: usize,
    /// Addresses known.
    pub known: usize,
    /// Different peers that got past their handshake in this run.
    pub peers_seen: usize,
    /// Why nothing arrives, when something should and nothing does; a sentence.
    pub stalled: Option<String>,
}

/// A peer, looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerView {
    /// Its connection.
    pub conn: ConnId,
    /// Its address.
    pub addr: SocketAddr,
    /// Its client, fit for a terminal.
    pub client: String,
    /// Pieces it has.
    pub pieces: u32,
    /// It chokes us.
    pub choking_us: bool,
    /// We choke it.
    pub choked_by_us: bool,
    /// It wants something of us.
    pub interested: bool,
    /// We want something of it.
    pub interesting: bool,
    /// Payload it sends a second.
    pub rate_down: u64,
    /// Payload we send it a second.
    pub rate_up: u64,
    /// Payload it sent.
    pub downloaded: u64,
    /// Payload we sent it.
    pub uploaded: u64,
    /// Requests outstanding.
    pub requests: usize,
    /// What its encrypted handshake agreed on; none if it had none.
    pub encryption: Option<Mode>,
    /// It keeps us waiting.
    pub snubbed: bool,
}

/// A tracker, looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrackerView {
    /// The tracker without its secrets.
    pub url: String,
    /// Its tier, from 0.
    pub tier: usize,
    /// What it said last or what is happening, a sentence.
    pub state: String,
    /// Whether its last answer was a failure.
    pub failed: bool,
    /// When it is contacted next.
    pub next: Option<Instant>,
}

impl Torrent {
    /// What peers and trackers know the torrent by.
    pub fn info_hash(&self) -> InfoHash {
        self.add.source.info_hash()
    }

    /// Whom it knows, and how others see us.
    pub const fn candidates(&self) -> &Candidates {
        &self.candidates
    }

    /// The torrent file; none before the metadata of a magnet link is here.
    pub fn metainfo(&self) -> Option<&Arc<Metainfo>> {
        self.knows_metadata().then_some(&self.metainfo)
    }

    /// Name of the torrent as it stands in its file or link.
    pub fn name(&self) -> &str {
        &self.metainfo.name
    }

    /// The figures.
    pub fn status(&self, now: Instant) -> Status {
        let open = || self.sessions.iter().filter(|(_, peer)| peer.session.is_open());
        let pieces_checked = match &self.phase {
            Phase::Checking(checking) => checking.done,
            _ => 0,
        };
        Status {
            state: self.state(),
            total_length: self.geometry.total(),
            wanted: self.wanted_bytes(),
            verified: self.wanted_verified(),
            pieces: self.geometry.pieces(),
            pieces_have: self.picker.have().count(),
            pieces_checked,
            downloaded: self.traffic.ledger.payload(),
            uploaded: self.traffic.uploaded,
            wasted: self.traffic.ledger.wasted(),
            received: self.traffic.ledger,
            rate_down: self.traffic.rate_down.per_second(now),
            rate_up: self.traffic.rate_up.per_second(now),
            peers: open().count(),
            seeds: open()
                .filter(|(conn, _)| self.picker.peer_is_seed(**conn))
                .count(),
            known: self.candidates.known(),
            peers_seen: self.peers_seen.len(),
            stalled: self.stalled(now),
        }
    }

    /// Its peers, by connection.
    pub fn peers(&self, now: Instant) -> Vec<PeerView> {
        self.sessions
            .iter()
            .filter(|(_, peer)| peer.session.is_open())
            .map(|(conn, peer)| {
                let session = &peer.session;
                let (rate_down, rate_up) = session.rates(now);
                let (downloaded, uploaded) = session.transferred();
                PeerView {
                    conn: *conn,
                    addr: session.addr(),
                    client: session.client(),
                    pieces: self
                        .picker
                        .peer_set(*conn)
                        .map_or(0, crate::bitfield::Bitfield::count),
                    choking_us: session.peer_choking(),
                    choked_by_us: session.am_choking(),
                    interested: session.peer_interested(),
                    interesting: self.picker.interesting(*conn),
                    rate_down,
                    rate_up,
                    downloaded,
                    uploaded,
                    requests: session.outstanding(),
                    encryption: session.encryption(),
                    snubbed: session.snubbed(),
                }
            })
            .collect()
    }

    /// Its trackers, by tier.
    pub fn trackers(&self) -> Vec<TrackerView> {
        let status = self.announcer.iter().flat_map(Announcer::status);
        status
            .map(|tracker| TrackerView {
                url: printable(&tracker.url, super::NAME_SHOWN_MAX),
                tier: tracker.tier,
                failed: matches!(
                    tracker.state,
                    TrackerState::Failed { .. } | TrackerState::Disabled { .. }
                ),
                state: printable(&said(&tracker.state), super::NAME_SHOWN_MAX),
                next: tracker.next,
            })
            .collect()
    }
}

/// The state of a tracker in a few words.
fn said(state: &TrackerState) -> String {
    let count = |count: &Option<u32>| count.map_or_else(|| "?".into(), |count| format!("{count}"));
    match state {
        TrackerState::NotContacted => "not contacted yet".into(),
        TrackerState::Updating => "being asked".into(),
        TrackerState::Working { seeders, leechers } => {
            format!("{} seeders, {} leechers", count(seeders), count(leechers))
        }
        TrackerState::Failed { text } | TrackerState::Disabled { text } => text.clone(),
    }
}
