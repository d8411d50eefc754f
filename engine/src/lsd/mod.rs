//! Local service discovery (BEP 14; protocol.md §20): telling the local network which torrents we share, and hearing it
//! of others.
//!
//! One announce a minute at the most goes to each group, with as many torrents as fit into it; those that were told the
//! longest time ago come first. So 125 torrents are told every five minutes, and more take turns.
//!
//! What is heard is no more than that somebody at the address it came from listens at a port, since the source address is
//! all that there is (BEP 14). Invariants: a torrent is told only while it is in the list that [`Lsd::set`] keeps; after
//! [`Lsd::handle_timeout`] the deadline is later or gone; no more is kept of who is heard than a minute's counts.

mod packet;
#[cfg(test)]
mod tests;

pub use packet::{Group, HASHES_SENT_MAX, Malformed, Packet, SENT_MAX, read, write};

use crate::config::LsdConfig;
use crate::id::{InfoHash, TorrentId};
use crate::marks::{Mark, Marks};
use crate::rng::Rng;
use crate::scope::Scope;
use crate::time::{Duration, Instant};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use serde::{Deserialize, Serialize};

/// A datagram to a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Announce {
    /// Where to.
    pub group: Group,
    /// The bytes.
    pub data: Vec<u8>,
    /// Torrents that it tells of.
    pub torrents: usize,
}

/// Somebody nearby shares something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Neighbour {
    /// Where it can be dialled.
    pub addr: SocketAddr,
    /// What it shares.
    pub hashes: Vec<InfoHash>,
}

/// Why a datagram says nothing to us.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, thiserror::Error)]
pub enum Ignored {
    /// Nobody asked for it.
    #[error("local service discovery is off")]
    Off,
    /// More came within a minute than is looked at.
    #[error("too many datagrams")]
    Flood,
    /// More came of this host.
    #[error("too many datagrams of this host")]
    HostFlood,
    /// It did not come from a local network, as far as its source address tells.
    #[error("not from a local network")]
    Afar,
    /// It cannot be read.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// We sent it.
    #[error("our own")]
    Own,
}

/// What was heard within a minute.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Heard {
    since: Option<Instant>,
    count: u32,
    /// At most one entry a datagram that was looked at.
    hosts: BTreeMap<IpAddr, u32>,
}

/// A torrent that is told.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Told {
    hash: InfoHash,
    /// When it was last.
    at: Option<Instant>,
}

/// When to tell the local network of which torrents, and what is believed of what it tells.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Lsd {
    config: LsdConfig,
    groups: Vec<Group>,
    /// Where peers reach us; 0 if nowhere.
    port: u16,
    /// Our announces are known by it when they come back: random, since others choose theirs as they like.
    cookie: String,
    /// The torrents that are told.
    torrents: BTreeMap<TorrentId, Told>,
    /// From what kinds of addresses our own announces came back, by family (IPv4 or not).
    own: BTreeSet<(bool, Scope)>,
    sent_at: Option<Instant>,
    due: Option<Instant>,
    heard: Heard,
    /// Branches that were taken.
    pub marks: Marks,
}

impl Lsd {
    /// Nothing to tell of. `families`: whether IPv4 and IPv6 sockets can be made.
    pub fn new(config: LsdConfig, families: [bool; 2], port: u16, mut rng: Rng) -> Self {
        let usable = Group::ALL.into_iter().zip(families);
        Self {
            config,
            groups: usable
                .filter_map(|(group, usable)| usable.then_some(group))
                .collect(),
            port,
            cookie: format!("{:016x}", rng.next_u64()),
            torrents: BTreeMap::new(),
            own: BTreeSet::new(),
            sent_at: None,
            due: None,
            heard: Heard::default(),
            marks: Marks::default(),
        }
    }

    /// A torrent is told from now on, or not any more. It is the caller's to name no private one (BEP 27), and none of
    /// which it is not known yet whether it is.
    pub fn set(&mut self, now: Instant, id: TorrentId, told: Option<InfoHash>) {
        let Some(hash) = told else {
            self.torrents.remove(&id);
            if self.torrents.is_empty() {
                self.due = None;
            }
            return;
        };
        if self.port == 0 || !self.config.enabled || self.torrents.contains_key(&id) {
            return;
        }
        self.torrents.insert(id, Told { hash, at: None });
        let at = self.not_before(now + self.config.first_after);
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// Everything ends.
    pub fn clear(&mut self) {
        self.torrents.clear();
        self.due = None;
    }

    /// We may be in another network now: all of it is told anew.
    pub fn network_changed(&mut self, now: Instant) {
        self.own.clear();
        if self.torrents.is_empty() {
            return;
        }
        self.torrents.values_mut().for_each(|told| told.at = None);
        self.due = Some(self.not_before(now + self.config.first_after));
    }

    /// No announce comes sooner after the one before.
    fn not_before(&self, at: Instant) -> Instant {
        self.sent_at.map_or(at, |sent| at.max(sent + self.config.gap))
    }

    /// When the next announce is due.
    pub const fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// What is to be sent now: an announce to each group, or nothing.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<Announce> {
        if self.due.is_none_or(|due| now < due) {
            return Vec::new();
        }
        let is_due = |told: &Told| told.at.is_none_or(|at| at + self.config.interval <= now);
        let announces = if self.torrents.values().any(is_due) {
            self.announce(now)
        } else {
            Vec::new()
        };
        let next = self.torrents.values();
        let next = next.map(|told| told.at.map_or(now, |at| at + self.config.interval));
        let later = now + Duration::from_micros(1);
        self.due = next.min().map(|at| self.not_before(at).max(later));
        announces
    }

    /// Those that are due, and whoever there is room for: so torrents come to be told together.
    fn announce(&mut self, now: Instant) -> Vec<Announce> {
        let mut by_age: Vec<(Option<Instant>, TorrentId)> =
            self.torrents.iter().map(|(id, told)| (told.at, *id)).collect();
        by_age.sort_unstable();
        let mut hashes = Vec::new();
        for (_, id) in by_age.into_iter().take(HASHES_SENT_MAX) {
            if let Some(told) = self.torrents.get_mut(&id) {
                told.at = Some(now);
                hashes.push(told.hash);
            }
        }
        self.sent_at = Some(now);
        self.marks.hit(Mark::LsdSent);
        let announce = |group: &Group| Announce {
            group: *group,
            data: write(*group, self.port, &hashes, &self.cookie),
            torrents: hashes.len(),
        };
        self.groups.iter().map(announce).collect()
    }

    /// A datagram came in at one of the groups' sockets.
    ///
    /// # Errors
    /// Says why nothing comes of it.
    pub fn heard(&mut self, now: Instant, from: SocketAddr, data: &[u8]) -> Result<Neighbour, Ignored> {
        let heard = self.judge(now, from, data);
        self.marks.hit(match heard {
            Ok(_) => Mark::LsdHeard,
            Err(Ignored::Own) => Mark::LsdOwn,
            Err(Ignored::Flood | Ignored::HostFlood) => Mark::LsdFlood,
            Err(Ignored::Off | Ignored::Afar | Ignored::Malformed(_)) => Mark::LsdIgnored,
        });
        heard
    }

    fn judge(&mut self, now: Instant, from: SocketAddr, data: &[u8]) -> Result<Neighbour, Ignored> {
        if !self.config.enabled {
            return Err(Ignored::Off);
        }
        self.count(now, from.ip())?;
        let packet = read(data)?;
        let kind = (from.is_ipv4(), Scope::of(from.ip()));
        if packet.cookie == Some(self.cookie.as_bytes()) {
            self.own.insert(kind);
            return Err(Ignored::Own);
        }
        if !self.is_near(from.ip(), kind) {
            return Err(Ignored::Afar);
        }
        Ok(Neighbour {
            addr: SocketAddr::new(from.ip(), packet.port),
            hashes: packet.hashes,
        })
    }

    /// Counts a datagram, if it is within the limits.
    fn count(&mut self, now: Instant, ip: IpAddr) -> Result<(), Ignored> {
        let heard = &mut self.heard;
        if heard.since.is_none_or(|since| now >= since + self.config.gap) {
            *heard = Heard {
                since: Some(now),
                ..Heard::default()
            };
        }
        if heard.count >= self.config.heard_max {
            return Err(Ignored::Flood);
        }
        let of_host = heard.hosts.entry(ip).or_insert(0);
        if *of_host >= self.config.heard_per_host_max {
            return Err(Ignored::HostFlood);
        }
        *of_host += 1;
        heard.count += 1;
        Ok(())
    }

    /// Whether an announce from this address may be a neighbour's. The groups are not routed on the internet, but a source
    /// address is forged easily, and makes us dial. So one of the whole internet in IPv4, or of this machine alone, has to
    /// be of the kind that our own announces come back from. In IPv6 neighbours have global addresses; one of fe80::/10
    /// cannot be dialled without its interface.
    fn is_near(&self, ip: IpAddr, kind: (bool, Scope)) -> bool {
        match kind.1 {
            Scope::Nobody => false,
            Scope::Loopback => self.own.contains(&kind),
            Scope::Link => ip.is_ipv4(),
            Scope::Private => true,
            Scope::Global => ip.is_ipv6() || self.own.contains(&kind),
        }
    }
}
