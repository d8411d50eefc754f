//! Limits and time-outs of one peer connection.

use crate::id::PieceIndex;
use crate::time::Duration;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use serde::{Deserialize, Serialize};

/// One peer connection (protocol.md §6–8; sources in brackets).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SessionConfig {
    /// From the connect action to the established connection. 15 s [libtorrent].
    pub connect_timeout: Duration,
    /// From the established connection to the whole handshake. 10 s [libtorrent, rain].
    pub handshake_timeout: Duration,
    /// Silence after which we send a keep-alive. 100 s [Transmission]; the other side drops us after 120 s.
    pub keepalive_after: Duration,
    /// Silence after which the peer is dropped. 120 s [libtorrent, rqbit].
    pub idle_timeout: Duration,
    /// Mutual lack of interest, or no useful traffic, after which the peer is dropped. 600 s [libtorrent].
    pub useless_timeout: Duration,
    /// A requested block must come within this. 60 s [libtorrent `request_timeout`].
    pub request_timeout: Duration,
    /// No block at all for this long while requests are outstanding: snubbed. 20 s [libtorrent `piece_timeout`].
    pub snub_timeout: Duration,
    /// Requests outstanding at the least. 2 [libtorrent].
    pub pipeline_min: u32,
    /// Requests outstanding at the most, whatever the peer allows. 500 [libtorrent, Transmission].
    pub pipeline_max: u32,
    /// Seconds of the measured bandwidth that are kept requested at the most; how many are follows the round trip. 3
    /// [libtorrent `request_queue_time`, which always keeps so much].
    pub pipeline_seconds: u32,
    /// `reqq` assumed for a peer that is silent about it. 250 [libtorrent].
    pub reqq_default: u32,
    /// `reqq` that we advertise, and requests of a peer that we queue at the most. 2000 [libtorrent, Transmission].
    pub reqq_ours: u32,
    /// Longest request that we answer. 128 KiB [webtorrent; libtorrent refuses over 16 KiB].
    pub serve_block_max: u32,
    /// Invalid requests while choked before the peer is dropped. 300 [libtorrent].
    pub bad_requests_max: u32,
    /// Rejects of requests that we never made before the peer is dropped. 50 [libtorrent `max_rejects`].
    pub stray_rejects_max: u32,
    /// Longest extended message that is read. The largest legal one is a PEX or metadata message, far below.
    pub extended_message_max: u32,
    /// Whether peers may tell us that they lost a piece (BEP 54), and we tell those who take it.
    pub dont_have: bool,
    /// Size of the allowed-fast set that we grant. 10 (BEP 6).
    pub allowed_fast_count: u32,
    /// Sets that are given to be used instead of computed ones: of a recording in which addresses and info-hashes,
    /// which a set is computed from, are pseudonyms.
    pub allowed_fast_given: Vec<AllowedFast>,
}

/// An allowed-fast set (BEP 6) for a peer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AllowedFast {
    /// The peer.
    pub ip: Ipv4Addr,
    /// The torrent.
    pub info_hash: [u8; 20],
    /// The pieces that it may have while it is choked.
    pub pieces: Vec<PieceIndex>,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(15),
            handshake_timeout: Duration::from_secs(10),
            keepalive_after: Duration::from_secs(100),
            idle_timeout: Duration::from_secs(120),
            useless_timeout: Duration::from_secs(600),
            request_timeout: Duration::from_secs(60),
            snub_timeout: Duration::from_secs(20),
            pipeline_min: 2,
            pipeline_max: 500,
            pipeline_seconds: 3,
            reqq_default: 250,
            reqq_ours: 2000,
            serve_block_max: 128 * 1024,
            bad_requests_max: 300,
            stray_rejects_max: 50,
            extended_message_max: 256 * 1024,
            dont_have: true,
            allowed_fast_count: 10,
            allowed_fast_given: Vec::new(),
        }
    }
}
