//! A model tracker: swarms as data, answers over BEP 15 datagrams and BEP 3 HTTP requests.
//!
//! Sans I/O: the caller owns the sockets (or has none), tells the time, and hands bytes in and out. Every
//! announce is kept as a value, so that a test can ask what a client told its tracker and when.
//!
//! Invariants: equal seeds, times and requests give equal answers; no request makes it panic; what it keeps is
//! bounded by [`Limits`].

pub mod behaviour;
mod bencode;
pub mod check;
mod host;
mod http;
pub mod names;
mod swarm;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trial;
mod udp;

pub use behaviour::{BEHAVIOURS, blocks_peers, sample};
pub use host::TrackerHost;
pub use http::head_length;
pub use swarm::{Peer, Swarm};

use seedbed_engine::rng::Rng;
use seedbed_engine::time::{Duration, Instant};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// What a client says about its download (BEP 3 `event`, BEP 15 numbers it).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum AnnounceEvent {
    /// An announce at the regular interval.
    None,
    /// The download is complete.
    Completed,
    /// The first announce of a run.
    Started,
    /// The last announce of a run.
    Stopped,
    /// An announce at the regular interval of one that has all that it wants, and not everything (BEP 21; over HTTP
    /// alone).
    Paused,
}

impl AnnounceEvent {
    /// Its name, or a word for an announce without one.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "(no event)",
            Self::Completed => "completed",
            Self::Started => "started",
            Self::Stopped => "stopped",
            Self::Paused => "paused",
        }
    }
}

/// How an announce came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Transport {
    /// A datagram (BEP 15).
    Udp,
    /// An HTTP request (BEP 3).
    Http,
}

/// One announce, as it came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Announce {
    /// When it arrived.
    pub at: Instant,
    /// Who sent it.
    pub from: SocketAddr,
    /// Over what.
    pub transport: Transport,
    /// The torrent.
    pub info_hash: [u8; 20],
    /// The client's id of this run.
    pub peer_id: [u8; 20],
    /// Where it takes connections.
    pub port: u16,
    /// Bytes of payload it says that it sent.
    pub uploaded: u64,
    /// Bytes of payload it says that it received.
    pub downloaded: u64,
    /// Bytes it says that it lacks.
    pub left: u64,
    /// What happened.
    pub event: AnnounceEvent,
    /// How many peers it wants; `None` leaves it to the tracker.
    pub num_want: Option<u32>,
    /// Its key: the same over all its addresses.
    pub key: Option<u32>,
    /// The `trackerid` that it gives back (BEP 3, HTTP only).
    pub tracker_id: Option<Vec<u8>>,
    /// Whether the tracker knew the torrent and took the announce.
    pub accepted: bool,
}

/// What a tracker tells its clients, and what it keeps at most.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// When clients should announce again.
    pub interval: Duration,
    /// `min interval` of HTTP answers, if any.
    pub interval_min: Option<Duration>,
    /// Peers in an answer when the client does not say how many. 50: BEP 3's custom.
    pub num_want_default: usize,
    /// Peers in an answer at the most. 200 compact IPv4 peers fill a datagram that no path has to fragment.
    pub num_want_max: usize,
    /// Torrents at a time.
    pub swarms_max: usize,
    /// Peers of one torrent.
    pub peers_max: usize,
    /// Connection ids of UDP clients at a time; the oldest goes first.
    pub connections_max: usize,
    /// Announces kept as data; when so many are there, the older half is dropped.
    pub log_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1800),
            interval_min: None,
            num_want_default: 50,
            num_want_max: 200,
            swarms_max: 1_000,
            peers_max: 10_000,
            connections_max: 10_000,
            log_max: 100_000,
        }
    }
}

/// A tracker of UDP and HTTP clients alike.
#[derive(Clone, Debug)]
pub struct Tracker {
    limits: Limits,
    /// Whether a torrent that nobody registered is taken when it is first announced.
    open: bool,
    swarms: BTreeMap<[u8; 20], Swarm>,
    connections: udp::Connections,
    rng: Rng,
    log: Vec<Announce>,
    failure: Option<String>,
    warning: Option<String>,
    named: Named,
}

/// Which peers answers name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Named {
    /// Those of the swarm.
    #[default]
    Swarm,
    /// None.
    Nobody,
    /// Only the one that asks.
    Asker,
    /// These, whoever they are.
    These(Vec<SocketAddr>),
}

/// What an announce is answered with, before it is encoded.
struct Answer {
    seeders: u32,
    leechers: u32,
    peers: Vec<Peer>,
}

impl Tracker {
    /// A tracker that takes every torrent. The seed decides its connection ids and which peers it names when
    /// it knows more than were asked for.
    pub fn new(limits: Limits, seed: [u8; 32]) -> Self {
        Self {
            limits,
            open: true,
            swarms: BTreeMap::new(),
            connections: udp::Connections::default(),
            rng: Rng::from_seed(seed),
            log: Vec::new(),
            failure: None,
            warning: None,
            named: Named::Swarm,
        }
    }

    /// What it draws from now on comes from this seed.
    pub(crate) fn draw_anew(&mut self, seed: [u8; 32]) {
        self.rng = Rng::from_seed(seed);
    }

    /// From now on torrents that were not registered are refused.
    pub fn close(&mut self) {
        self.open = false;
    }

    /// Registers a torrent.
    pub fn register(&mut self, info_hash: [u8; 20]) -> &mut Swarm {
        self.swarms.entry(info_hash).or_default()
    }

    /// From now on every announce and scrape fails with this text.
    pub fn fail_with(&mut self, text: Option<String>) {
        self.failure = text;
    }

    /// From now on every HTTP answer warns with this text.
    pub fn warn_with(&mut self, text: Option<String>) {
        self.warning = text;
    }

    /// From now on answers name these peers.
    pub fn name(&mut self, named: Named) {
        self.named = named;
    }

    /// From now on clients are told these intervals.
    pub fn set_intervals(&mut self, interval: Duration, least: Option<Duration>) {
        self.limits.interval = interval;
        self.limits.interval_min = least;
    }

    /// The interval and the least interval that clients are told.
    pub fn intervals(&self) -> (Duration, Option<Duration>) {
        (self.limits.interval, self.limits.interval_min)
    }

    /// What is known of a torrent.
    pub fn swarm(&self, info_hash: &[u8; 20]) -> Option<&Swarm> {
        self.swarms.get(info_hash)
    }

    /// Every announce in the order of arrival, refused ones included.
    pub fn announces(&self) -> &[Announce] {
        &self.log
    }

    /// Takes one announce: keeps it as data, changes the swarm, chooses peers for the answer.
    fn announce(&mut self, mut announce: Announce) -> Result<Answer, String> {
        let outcome = self.admit(&announce);
        announce.accepted = outcome.is_ok();
        let answer = outcome.map(|()| self.apply(&announce));
        if self.log.len() >= self.limits.log_max.max(1) {
            self.log.drain(..self.log.len().div_ceil(2));
        }
        self.log.push(announce);
        answer
    }

    /// Whether an announce is taken; if not, the text that the client is told.
    fn admit(&self, announce: &Announce) -> Result<(), String> {
        if let Some(text) = &self.failure {
            return Err(text.clone());
        }
        if self.swarms.contains_key(&announce.info_hash) {
            return Ok(());
        }
        if !self.open {
            return Err("unregistered torrent".into());
        }
        if self.swarms.len() >= self.limits.swarms_max {
            return Err("too many torrents".into());
        }
        Ok(())
    }

    fn apply(&mut self, announce: &Announce) -> Answer {
        let addr = SocketAddr::new(unmapped(announce.from.ip()), announce.port);
        let swarm = self.swarms.entry(announce.info_hash).or_default();
        swarm.announced(addr, announce, self.limits.peers_max);
        let wanted = match announce.num_want {
            _ if announce.event == AnnounceEvent::Stopped => 0,
            None => self.limits.num_want_default,
            Some(n) => usize::try_from(n)
                .unwrap_or(usize::MAX)
                .min(self.limits.num_want_max),
        };
        let others = swarm
            .peers()
            .filter(|peer| peer.addr != addr && peer.addr.port() != 0);
        let mut others: Vec<Peer> = match &self.named {
            Named::Swarm => others.cloned().collect(),
            Named::Nobody => Vec::new(),
            Named::Asker => vec![Peer::unknown(addr)],
            Named::These(peers) => peers.iter().copied().map(Peer::unknown).collect(),
        };
        if others.len() > wanted {
            self.rng.shuffle(&mut others);
            others.truncate(wanted);
        }
        Answer {
            seeders: swarm.seeders(),
            leechers: swarm.leechers(),
            peers: others,
        }
    }
}

/// An IPv4 address that a dual-stack socket wrapped into IPv6 is the IPv4 address.
fn unmapped(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}
