//! Protocol constants with the standard's values as defaults, one section a machine.
//!
//! They are values and not constants of the code so that a simulator can run scaled-down torrents.

mod candidates;
mod choker;
mod lsd;
mod metadata;
mod pex;
mod picker;
mod session;
mod tracker;

pub use candidates::CandidatesConfig;
pub use choker::{ChokerConfig, SeedPolicy};
pub use lsd::LsdConfig;
pub use metadata::MetadataConfig;
pub use pex::PexConfig;
pub use picker::PickerConfig;
pub use session::{AllowedFast, SessionConfig};
pub use tracker::{HttpConfig, TrackerConfig};

use crate::throttle::RateLimit;
use crate::time::Duration;
use alloc::borrow::Cow;
use serde::{Deserialize, Serialize};

/// Whether connections to peers are encrypted (MSE, protocol.md §15).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub enum Encryption {
    /// Never: who begins an encrypted handshake is refused.
    #[default]
    Off,
    /// We dial encrypted first, and plain who does not understand it. Whoever dials us chooses.
    Prefer,
    /// RC4 in both directions or no connection.
    Require,
}

/// Everything that an engine is told once, at its start. Part of every recording.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Config {
    /// Length of our block requests in bytes: 16 KiB (BEP 3's field practice; longer ones are refused by many).
    pub block_length: u32,
    /// TCP port that peers can reach us at, told to trackers and in the extended handshake.
    pub listen_port: u16,
    /// Whether IPv4 sockets can be made.
    pub ipv4: bool,
    /// Whether IPv6 sockets can be made.
    pub ipv6: bool,
    /// First bytes of our peer id, Azureus style (BEP 20): two letters, four digits of version.
    pub peer_id_prefix: [u8; 8],
    /// The whole peer id, instead of prefix and random bytes. For tests.
    pub peer_id: Option<[u8; 20]>,
    /// The client name and version of the extended handshake's `v` (BEP 10) and of `User-Agent`.
    pub client_name: Cow<'static, str>,
    /// Peer connections over all torrents, half-open ones included. 200: libtorrent's default.
    pub connections_max: usize,
    /// Peer connections of one torrent. 50: Transmission's default; 80 suits a one-shot client of few torrents.
    pub connections_per_torrent_max: usize,
    /// Downloads that are worked on at a time; others wait in the order in which they were added. At least 1.
    pub active_max: Option<usize>,
    /// Peers that are served at a time over all torrents; each torrent that may have peers gets an equal part.
    /// `choker.slots` bounds each torrent alone.
    pub upload_slots_max: Option<u32>,
    /// Outgoing connections at a time that are not established yet. 100: anacrolix's default.
    pub half_open_max: usize,
    /// New outgoing connections a second. 18: Transmission's; consumer routers dislike more.
    pub dials_per_second: u32,
    /// What is read from all peers together, messages included.
    pub rate_down: RateLimit,
    /// What is sent to all peers together, messages included.
    pub rate_up: RateLimit,
    /// Bytes of block payload that may wait for the disk before reading from peers stops. 1 MiB [libtorrent
    /// `max_queued_disk_bytes`]; more only takes memory (docs/tuning.md).
    pub disk_bytes_in_flight_max: u64,
    /// Hash jobs at a time while checking what is on disk; a few keep a hash pool busy.
    pub hash_jobs_max: usize,
    /// Bytes that may wait unsent on one connection before uploads to it pause.
    pub send_buffer_max: u64,
    /// How often the resume state is saved while pieces arrive. Pieces since then are found again by hashing.
    pub resume_interval: Duration,
    /// How long after a disk error (full, read-only) the torrent tries again. 30 s; libtorrent waits 10 min.
    pub disk_retry: Duration,
    /// How long `stopped` announces and state saving may take at shutdown. 5 s [libtorrent `stop_tracker_timeout`].
    pub shutdown_timeout: Duration,
    /// Whether every wire message and tracker datagram is reported (`Report::Wire`), for probes and timelines.
    pub trace: bool,
    /// Torrents at a time; a bound for the tables, far above what one process is used for.
    pub torrents_max: usize,
    /// Whether loopback, link-local and private addresses named by torrents, trackers and redirects may be
    /// contacted although the rules of `url_rules` forbid it (`--allow-local-services`).
    pub allow_local_services: bool,
    /// Encryption of peer connections. Off by default, since it is a policy of the user's and costs a round trip with
    /// those who do not understand it; the command line prefers it.
    pub encryption: Encryption,
    /// One peer connection.
    pub session: SessionConfig,
    /// Metadata of magnet links.
    pub metadata: MetadataConfig,
    /// Which blocks to request.
    pub picker: PickerConfig,
    /// Whom to unchoke.
    pub choker: ChokerConfig,
    /// Whom to dial.
    pub candidates: CandidatesConfig,
    /// Peer exchange.
    pub pex: PexConfig,
    /// Local service discovery.
    pub lsd: LsdConfig,
    /// Announcing.
    pub tracker: TrackerConfig,
    /// The HTTP client under tracker announces and fetches.
    pub http: HttpConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            block_length: 16 * 1024,
            listen_port: 6881,
            ipv4: true,
            ipv6: true,
            peer_id_prefix: *b"-sE0100-",
            peer_id: None,
            client_name: Cow::Borrowed(concat!("seedbed/", env!("CARGO_PKG_VERSION"))),
            connections_max: 200,
            connections_per_torrent_max: 80,
            active_max: None,
            upload_slots_max: None,
            half_open_max: 100,
            dials_per_second: 18,
            rate_down: RateLimit::Unlimited,
            rate_up: RateLimit::Unlimited,
            disk_bytes_in_flight_max: 1024 * 1024,
            hash_jobs_max: 4,
            send_buffer_max: 512 * 1024,
            resume_interval: Duration::from_secs(10),
            disk_retry: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(5),
            trace: false,
            torrents_max: 10_000,
            allow_local_services: false,
            encryption: Encryption::Off,
            session: SessionConfig::default(),
            metadata: MetadataConfig::default(),
            picker: PickerConfig::default(),
            choker: ChokerConfig::default(),
            candidates: CandidatesConfig::default(),
            pex: PexConfig::default(),
            lsd: LsdConfig::default(),
            tracker: TrackerConfig::default(),
            http: HttpConfig::default(),
        }
    }
}
