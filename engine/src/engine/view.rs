//! Read-only views of an engine's state, for the command line and for tests.

use crate::bitfield::Bitfield;
use crate::id::{ConnId, InfoHash};
use crate::report::TorrentState;
use crate::time::Instant;
use alloc::string::String;
use alloc::vec::Vec;
use core::marker::PhantomData;
use core::net::SocketAddr;

/// A torrent, looked at.
#[derive(Clone, Copy, Debug)]
pub struct TorrentView<'a> {
    engine: PhantomData<&'a ()>,
}

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
    /// Payload received in this run, waste included.
    pub downloaded: u64,
    /// Payload sent in this run.
    pub uploaded: u64,
    /// Payload received in this run that was of no use.
    pub wasted: u64,
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
    /// Why nothing arrives, when nothing does; a sentence.
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
    /// When it is contacted next.
    pub next: Option<Instant>,
}

impl<'a> TorrentView<'a> {
    /// The figures.
    pub fn status(&self, _now: Instant) -> Status {
        unreachable!("there are no torrents yet")
    }

    /// Identity of the torrent.
    pub fn info_hash(&self) -> InfoHash {
        InfoHash([0; 20])
    }

    /// Name of the torrent, fit for a terminal.
    pub fn name(&self) -> &'a str {
        ""
    }

    /// Verified pieces.
    pub fn have(&self) -> Bitfield {
        Bitfield::new(0)
    }

    /// Its peers, by connection.
    pub fn peers(&self, _now: Instant) -> Vec<PeerView> {
        Vec::new()
    }

    /// Its trackers, by tier.
    pub fn trackers(&self) -> Vec<TrackerView> {
        Vec::new()
    }
}
