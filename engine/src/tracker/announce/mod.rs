//! Announce and scrape as values: what is told to a tracker and what is believed of its answer (BEP 3, 21, 24, 31).
//!
//! Both transports build and fill these, so the policy above knows neither bencode nor datagrams. Peers in an
//! [`AnnounceReply`] have a usable address and port; whether to dial them is decided elsewhere.

mod failure;
mod peers;
mod request;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};

use crate::config::Encryption;
pub use crate::http::Stage;
use crate::http::{Families, HttpError};
use crate::id::{InfoHash, PeerId};
use crate::net::{CloseCause, DatagramFault, LookupError, printable};
use crate::time::Duration;

pub(crate) use failure::{failure, parse_failure, positive};
pub(crate) use peers::PeerList;
pub use request::{ClientOutput, LookupKey, RequestId, RequestIds, RequestKind, RequestOptions, StreamKey};
use serde::{Deserialize, Serialize};

/// Characters shown of a text that a tracker sent.
const TEXT_MAX: usize = 300;

/// What happened at our side.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum AnnounceEvent {
    /// A regular announce.
    None,
    /// The first one of a run.
    Started,
    /// The download has become complete in this run.
    Completed,
    /// The torrent stops.
    Stopped,
    /// Like `None`, from a partial seed (BEP 21). UDP trackers have no code for it and get none.
    Paused,
}

impl AnnounceEvent {
    /// The value of the `event` argument; nothing is sent for a regular announce.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Started => Some("started"),
            Self::Completed => Some("completed"),
            Self::Stopped => Some("stopped"),
            Self::Paused => Some("paused"),
        }
    }
}

/// Bytes moved, as told to trackers.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Counters {
    /// Payload bytes sent to peers.
    pub uploaded: u64,
    /// Payload bytes received from peers.
    pub downloaded: u64,
    /// Bytes that are still wanted; never 0 before the metadata is known, which would mark a seed.
    pub left: u64,
}

/// Everything that an announce tells.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AnnounceParams {
    /// Which torrent.
    pub info_hash: InfoHash,
    /// Our id of this run.
    pub peer_id: PeerId,
    /// The port where peers reach us.
    pub port: u16,
    /// Payload bytes sent.
    pub uploaded: u64,
    /// Payload bytes received.
    pub downloaded: u64,
    /// Bytes still wanted.
    pub left: u64,
    /// What happened.
    pub event: AnnounceEvent,
    /// Random, the same for all announces of a torrent in a run and for both address families (BEP 7).
    pub key: u32,
    /// Peers wanted; the tracker's choice if none.
    pub numwant: Option<u32>,
    /// What the tracker asked to be sent back.
    pub tracker_id: Option<Vec<u8>>,
    /// Whether we take encrypted connections, or no others.
    pub encryption: Encryption,
}

/// A peer that a tracker named.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct PeerAddr {
    /// Where it listens: never port 0, unspecified, multicast or broadcast.
    pub addr: SocketAddr,
    /// Its id, in answers that are not compact.
    pub id: Option<PeerId>,
}

/// Something of an answer that breaks the standard and was read all the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum TrackerLint {
    /// The peers end in the middle of an entry.
    RaggedPeers,
    /// An entry without a usable address and port.
    UnusablePeer,
    /// The interval is missing, no number, or not positive.
    BadInterval,
    /// Bytes after the answer.
    TrailingBytes,
    /// Keys unsorted or twice, or another harmless fault of the encoding.
    Encoding,
    /// More peers than are taken from one answer.
    TooManyPeers,
    /// Fewer scrape entries than were asked for.
    ShortScrape,
}

/// A tracker's answer.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct AnnounceReply {
    /// Peers, each address once.
    pub peers: Vec<PeerAddr>,
    /// Peers that are named by host name and port.
    pub hosts: Vec<(String, u16)>,
    /// Wanted time between regular announces, as sent.
    pub interval: Option<Duration>,
    /// Least time between announces, as sent.
    pub min_interval: Option<Duration>,
    /// Peers that have everything.
    pub seeders: Option<u32>,
    /// Peers that have not.
    pub leechers: Option<u32>,
    /// How often the download was completed.
    pub downloaded: Option<u32>,
    /// To be sent back with the next announce.
    pub tracker_id: Option<Vec<u8>>,
    /// For the user, fit for a terminal.
    pub warning: Option<String>,
    /// Our address as the tracker sees it (BEP 24).
    pub external_ip: Option<IpAddr>,
    /// What was wrong with the answer.
    pub lints: Vec<TrackerLint>,
    /// Whether the tracker answered from a loopback address: only then are loopback peers credible.
    pub from_loopback: bool,
    /// The address families over which it answered (BEP 7).
    pub answered: Families,
}

impl AnnounceReply {
    /// Adds what another address family's announce brought (BEP 7). Numbers stay those of the first answer.
    pub(crate) fn merge(&mut self, other: Self) {
        for peer in other.peers {
            if !self.peers.iter().any(|known| known.addr == peer.addr) {
                self.peers.push(peer);
            }
        }
        for host in other.hosts {
            if !self.hosts.contains(&host) {
                self.hosts.push(host);
            }
        }
        self.interval = self.interval.max(other.interval);
        self.min_interval = self.min_interval.max(other.min_interval);
        self.seeders = self.seeders.max(other.seeders);
        self.leechers = self.leechers.max(other.leechers);
        self.downloaded = self.downloaded.max(other.downloaded);
        self.tracker_id = self.tracker_id.take().or(other.tracker_id);
        self.warning = self.warning.take().or(other.warning);
        self.external_ip = self.external_ip.or(other.external_ip);
        self.from_loopback &= other.from_loopback;
        self.answered = self.answered.union(other.answered);
        self.lints.extend(other.lints);
        self.lints.sort_unstable();
        self.lints.dedup();
    }
}

/// One torrent's numbers in a scrape.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ScrapeEntry {
    /// Which torrent.
    pub info_hash: InfoHash,
    /// Peers that have everything.
    pub seeders: u32,
    /// How often the download was completed.
    pub completed: u32,
    /// Peers that have not everything, partial seeds included.
    pub leechers: u32,
    /// Leechers without the partial seeds (BEP 21).
    pub downloaders: Option<u32>,
}

/// The answer to a scrape.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct ScrapeReply {
    /// The torrents that were asked for and that the tracker knows.
    pub files: Vec<ScrapeEntry>,
    /// What was wrong with the answer.
    pub lints: Vec<TrackerLint>,
}

/// An answer of either kind.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TrackerReply {
    /// To an announce.
    Announce(AnnounceReply),
    /// To a scrape.
    Scrape(ScrapeReply),
}

/// When a tracker that refused wants to be asked again (BEP 31).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum RetryIn {
    /// After this time.
    After(Duration),
    /// Not at all.
    Never,
}

/// Why an announce or a scrape failed. `Display` is a sentence for the user.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum AnnounceError {
    /// The tracker refused.
    Failure {
        /// Its reason, fit for a terminal.
        text: String,
        /// The interval of the refusal, if it names one.
        interval: Option<Duration>,
        /// The least interval of the refusal.
        min_interval: Option<Duration>,
        /// When to try again.
        retry_in: Option<RetryIn>,
    },
    /// No answer in time.
    Timeout {
        /// What was waited for.
        stage: Stage,
    },
    /// The host's name could not be looked up.
    Lookup(LookupError),
    /// The connection failed or ended.
    Closed(CloseCause),
    /// The tracker's machine refused the datagram, or it could not be sent.
    Datagram(DatagramFault),
    /// HTTP went wrong.
    Http(HttpError),
    /// An HTTP status other than 200, and no refusal in the body.
    Status(u16),
    /// The answer is no tracker's.
    Malformed(Cow<'static, str>),
    /// The URL may not be contacted, or not with what it holds.
    Forbidden(Cow<'static, str>),
    /// The tracker cannot be scraped (BEP 48).
    NoScrape,
}

impl AnnounceError {
    /// A refusal with nothing but a text.
    pub(crate) fn refused(text: &[u8]) -> Self {
        Self::Failure {
            text: shown(text),
            interval: None,
            min_interval: None,
            retry_in: None,
        }
    }

    /// Whether it says that this machine has no network, and nothing of the tracker.
    pub const fn is_ours(&self) -> bool {
        matches!(
            self,
            Self::Lookup(_)
                | Self::Closed(CloseCause::Unreachable | CloseCause::Local(_))
                | Self::Datagram(DatagramFault::Unreachable)
                | Self::Http(
                    HttpError::Lookup(_) | HttpError::Connect(CloseCause::Unreachable | CloseCause::Local(_))
                )
        )
    }

    /// Whether the request may have reached the tracker although it failed.
    pub fn maybe_delivered(&self) -> bool {
        match self {
            Self::Timeout { stage } => *stage == Stage::Answer,
            Self::Http(error) => match error {
                HttpError::Lookup(_)
                | HttpError::NoAddress
                | HttpError::Connect(_)
                | HttpError::Forbidden(_) => false,
                HttpError::Timeout(stage) => *stage == Stage::Answer,
                HttpError::Closed(_)
                | HttpError::Malformed(_)
                | HttpError::HeadTooLong
                | HttpError::BodyTooLong
                | HttpError::Encoding(_)
                | HttpError::TooManyRedirects
                | HttpError::BadRedirect(_) => true,
            },
            Self::Status(_) | Self::Malformed(_) => true,
            Self::Failure { .. }
            | Self::Lookup(_)
            | Self::Closed(_)
            | Self::Datagram(_)
            | Self::Forbidden(_)
            | Self::NoScrape => false,
        }
    }
}

impl fmt::Display for AnnounceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failure { text, retry_in, .. } => {
                write!(f, "the tracker refused: {text}")?;
                match retry_in {
                    Some(RetryIn::Never) => f.write_str(" (it asks never to be contacted again)"),
                    Some(RetryIn::After(wait)) => write!(f, " (retry in {} min)", wait.as_secs() / 60),
                    None => Ok(()),
                }
            }
            Self::Timeout { stage } => write!(f, "timed out {stage}"),
            Self::Lookup(error) => write!(f, "host name lookup failed: {error}"),
            Self::Closed(cause) => write!(f, "connection failed: {cause}"),
            Self::Datagram(fault) => write!(f, "not reachable: {fault}"),
            Self::Http(error) => fmt::Display::fmt(error, f),
            Self::Status(code) => write!(f, "the server answered with HTTP status {code}"),
            Self::Malformed(what) => write!(f, "not a valid tracker answer: {what}"),
            Self::Forbidden(why) => write!(f, "not contacted: {why}"),
            Self::NoScrape => {
                f.write_str("the tracker's URL allows no scrape (its last part is not \"announce\")")
            }
        }
    }
}

impl From<HttpError> for AnnounceError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Lookup(error) => Self::Lookup(error),
            HttpError::Timeout(stage) => Self::Timeout { stage },
            HttpError::Forbidden(why) => Self::Forbidden(why),
            HttpError::Connect(cause) => Self::Closed(cause),
            other => Self::Http(other),
        }
    }
}

/// A tracker's text, fit for a terminal.
pub(crate) fn shown(text: &[u8]) -> String {
    printable(&String::from_utf8_lossy(text), TEXT_MAX)
}
