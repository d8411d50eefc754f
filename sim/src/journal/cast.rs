//! Who takes part in a recorded run: short names for addresses, in the order in which they appear.
//!
//! A peer is called `p` and a tracker `t`, with its number. Which host is a tracker follows from the torrents that are
//! added and from the lookups of their trackers' names.

use crate::tell::Names;
use seedbed_engine::id::{ConnId, OpId};
use seedbed_engine::time::Instant;
use seedbed_engine::tracker::url::TrackerUrl;
use seedbed_engine::{Action, Command, Engine, Event};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// The names of a run so far.
#[derive(Clone, Debug, Default)]
pub struct Cast {
    conns: BTreeMap<ConnId, SocketAddr>,
    peers: BTreeMap<SocketAddr, String>,
    /// Trackers by the host in their URL.
    trackers: BTreeMap<String, String>,
    tracker_ips: BTreeMap<IpAddr, String>,
    lookups: BTreeMap<OpId, String>,
}

impl Cast {
    /// Whom an engine knows already when its journal begins.
    pub fn of(engine: &Engine) -> Self {
        let mut cast = Self::default();
        for view in engine.torrents().filter_map(|id| engine.torrent(id)) {
            for peer in view.peers(Instant::START) {
                cast.add_peer(peer.conn, peer.addr);
            }
            for tracker in view.trackers() {
                cast.add_tracker(&tracker.url);
            }
        }
        cast
    }

    /// Takes note of whom an event names.
    pub fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Command(Command::Add(add)) => {
                let trackers = add.source.trackers();
                let urls = trackers.iter().chain(&add.extra_trackers);
                for url in urls.flatten() {
                    self.add_tracker(url);
                }
            }
            Event::Command(Command::ProbeTracker(probe)) => self.add_tracker(&probe.url),
            Event::Accepted { conn, from } => self.add_peer(*conn, *from),
            Event::Resolved {
                op,
                result: Ok(addrs),
            } => {
                let name = self
                    .lookups
                    .remove(op)
                    .and_then(|host| self.trackers.get(&host).cloned());
                for ip in name.iter().flat_map(|_| addrs) {
                    self.tracker_ips
                        .entry(*ip)
                        .or_insert_with(|| name.clone().unwrap_or_default());
                }
            }
            _ => {}
        }
    }

    /// Takes note of whom an action of this engine names.
    pub fn action(&mut self, engine: &Engine, action: &Action) {
        match action {
            Action::Connect { conn, to, .. } if engine.is_http(*conn) => {
                self.conns.insert(*conn, *to);
            }
            Action::Connect { conn, to, .. } => self.add_peer(*conn, *to),
            Action::Resolve { op, host } => {
                self.lookups.insert(*op, host.to_ascii_lowercase());
            }
            _ => {}
        }
    }

    /// Everybody with a name, and what it stands for: peers, then trackers.
    pub fn legend(&self) -> Vec<(String, String)> {
        let number = |name: &str| name[1..].parse::<u32>().unwrap_or(u32::MAX);
        let peers = self.peers.iter().map(|(addr, name)| (name, addr.to_string()));
        let mut peers: Vec<_> = peers.map(|(name, addr)| (name.clone(), addr)).collect();
        peers.sort_by_key(|(name, _)| number(name));
        let trackers = self
            .trackers
            .iter()
            .map(|(host, name)| (name.clone(), host.clone()));
        let mut trackers: Vec<_> = trackers.collect();
        trackers.sort_by_key(|(name, _)| number(name));
        peers.extend(trackers);
        peers
    }

    /// The address that a name stands for, or that is written out.
    pub fn find(&self, text: &str) -> Option<SocketAddr> {
        let named = self.peers.iter().find(|(_, name)| *name == text);
        named
            .map(|(addr, _)| *addr)
            .or_else(|| text.parse().ok())
            .or_else(|| {
                let ip: IpAddr = text.parse().ok()?;
                self.peers.keys().find(|addr| addr.ip() == ip).copied()
            })
    }

    /// The other end of a connection.
    pub fn addr_of(&self, conn: ConnId) -> Option<SocketAddr> {
        self.conns.get(&conn).copied()
    }

    fn add_peer(&mut self, conn: ConnId, addr: SocketAddr) {
        self.conns.insert(conn, addr);
        let next = self.peers.len() + 1;
        self.peers.entry(addr).or_insert_with(|| format!("p{next}"));
    }

    fn add_tracker(&mut self, url: &str) {
        let Some(host) = host(url) else { return };
        let next = self.trackers.len() + 1;
        let name = self.trackers.entry(host.clone());
        let name = name.or_insert_with(|| format!("t{next}")).clone();
        if let Ok(ip) = host.parse() {
            self.tracker_ips.insert(ip, name);
        }
    }
}

/// The host in the URL of a tracker, in lower case and without brackets.
fn host(url: &str) -> Option<String> {
    TrackerUrl::parse(url).ok().map(|url| url.host().to_owned())
}

impl Names for Cast {
    fn peer(&self, conn: ConnId) -> String {
        self.conns
            .get(&conn)
            .map_or_else(|| "?".into(), |addr| self.address(*addr))
    }

    fn address(&self, addr: SocketAddr) -> String {
        match self.peers.get(&addr) {
            Some(name) => name.clone(),
            None => self.ip(addr.ip()),
        }
    }

    fn ip(&self, ip: IpAddr) -> String {
        let tracker = self.tracker_ips.get(&ip);
        let peer = || self.peers.iter().find(|(addr, _)| addr.ip() == ip);
        tracker
            .or_else(|| peer().map(|(_, name)| name))
            .map_or_else(|| "?".into(), Clone::clone)
    }

    fn tracker(&self, url: &str) -> String {
        let name = host(url).and_then(|host| self.trackers.get(&host));
        name.map_or_else(|| "?".into(), Clone::clone)
    }
}
