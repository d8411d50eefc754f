//! Trackers: who is asked, how, and what is believed of the answer.
//!
//! - [`url`]: announce URLs, what may be shown of them, and how a scrape URL is made (BEP 48)
//! - [`announce`]: the values of a request and of an answer, whatever the transport; ids of requests
//! - [`udp`]: BEP 15 and 41 · [`http`]: BEP 3, 7, 23, 24, 31
//! - [`client`]: all requests of all torrents over both transports
//! - [`tiers`]: one torrent's policy: events, intervals, back-off, tiers (BEP 12), private torrents (BEP 27)

pub mod announce;
pub mod client;
pub mod http;
pub mod tiers;
pub mod udp;
pub mod url;

pub use announce::{
    AnnounceError, AnnounceEvent, AnnounceParams, AnnounceReply, ClientOutput, Counters, LookupKey, PeerAddr,
    RequestId, RequestIds, RequestKind, RequestOptions, RetryIn, ScrapeEntry, ScrapeReply, Stage, StreamKey,
    TrackerLint, TrackerReply,
};
pub use client::TrackerClient;
pub use tiers::{
    Announcer, AnnouncerIdentity, AnnouncerOptions, TierOutput, TrackerKey, TrackerState, TrackerStatus,
};
pub use url::TrackerUrl;
