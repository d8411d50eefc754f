//! A small world in virtual time: engines, connected by streams with a latency, memory for disks, a model tracker.
//!
//! It is enough to watch whole downloads and to feed a session with bytes; links that lose, peers that lie on
//! purpose and disks that fail by plan belong to `sim`. Nothing here depends on a clock or on the order of a hash.

mod disk;
mod fault;
mod stream;
mod timeline;
mod torrent;

pub use disk::MemoryDisk;
pub use timeline::Timeline;
pub use torrent::Sample;

use core::net::{IpAddr, SocketAddr};
use seedbed_engine::disk::{DiskJob, Root};
use seedbed_engine::id::{ConnId, TorrentId};
use seedbed_engine::metainfo::Metainfo;
use seedbed_engine::net::{DatagramFault, LookupError};
use seedbed_engine::time::{Duration, Instant};
use seedbed_engine::{Action, AddTorrent, Command, Config, Engine, Event, Purpose, Report};
use std::collections::BTreeMap;
use std::sync::Arc;
use stream::Stream;

/// An event that owns its bytes, so that it can wait in a queue.
#[derive(Clone, Debug)]
pub enum Pending {
    /// Any event that lends nothing.
    Event(Event<'static>),
    /// Bytes on a connection.
    Received(ConnId, Vec<u8>),
    /// A datagram.
    Datagram(SocketAddr, Vec<u8>),
}

/// One engine with its disk and its connections.
#[derive(Debug)]
pub struct Node {
    /// Its name in timelines.
    pub name: &'static str,
    /// Its address; all of its sockets are there.
    pub ip: IpAddr,
    /// The engine.
    pub engine: Engine,
    /// Its disk.
    pub disk: MemoryDisk,
    /// Disks of torrents that have one of their own: where there are several.
    pub disks: BTreeMap<TorrentId, MemoryDisk>,
    /// Everything it reported, with its time.
    pub reports: Vec<(Instant, Report)>,
    listen_port: u16,
    streams: BTreeMap<ConnId, Stream>,
    accepted: u64,
    tick_at: Option<Instant>,
}

impl Node {
    /// The disk of a torrent.
    fn disk_of(&mut self, torrent: TorrentId) -> &mut MemoryDisk {
        self.disks.get_mut(&torrent).unwrap_or(&mut self.disk)
    }
}

/// The world.
#[derive(Debug)]
pub struct World {
    /// The time.
    pub now: Instant,
    /// The engines.
    pub nodes: Vec<Node>,
    /// The tracker, and where it is.
    pub tracker: Option<(SocketAddr, seedbed_sim::tracker::Tracker)>,
    /// Answers `true` for each datagram, in order, that is to be lost.
    pub lose: Vec<bool>,
    /// The node that something happened to last.
    pub stepped: usize,
    /// Every datagram that a node sent: when, and its bytes.
    pub datagrams: Vec<(Instant, Vec<u8>)>,
    /// Every request of a node over HTTP.
    pub requests: Vec<String>,
    queue: BTreeMap<(Instant, u64), (usize, Pending)>,
    queued: u64,
}

/// How long everything takes on its way.
pub const LATENCY: Duration = Duration::from_millis(10);

impl Default for World {
    fn default() -> Self {
        Self {
            now: Instant::START,
            nodes: Vec::new(),
            tracker: None,
            lose: Vec::new(),
            stepped: 0,
            requests: Vec::new(),
            datagrams: Vec::new(),
            queue: BTreeMap::new(),
            queued: 0,
        }
    }
}

/// A configuration for small worlds: small blocks, everything traced.
#[must_use]
pub fn small_config() -> Config {
    let mut config = Config {
        block_length: 64,
        trace: true,
        ..Config::default()
    };
    // a world that is about it says so
    config.pex.enabled = false;
    config.candidates.canonical_priority = false;
    config.session.dont_have = false;
    config
}

impl World {
    /// Adds an engine; its number is its place in [`World::nodes`].
    pub fn node(&mut self, name: &'static str, ip: &str, mut config: Config) -> usize {
        let listen_port = 6881;
        config.listen_port = listen_port;
        let mut seed = [0; 32];
        seed[0] = u8::try_from(self.nodes.len() + 1).expect("a small world");
        self.nodes.push(Node {
            name,
            ip: ip.parse().expect("an address"),
            engine: Engine::new(config, seed),
            disk: MemoryDisk::default(),
            disks: BTreeMap::new(),
            reports: Vec::new(),
            listen_port,
            streams: BTreeMap::new(),
            accepted: 0,
            tick_at: None,
        });
        self.nodes.len() - 1
    }

    /// Puts a tracker into the world.
    pub fn with_tracker(&mut self, at: &str) -> &mut seedbed_sim::tracker::Tracker {
        let tracker = seedbed_sim::tracker::Tracker::new(seedbed_sim::tracker::Limits::default(), [9; 32]);
        &mut self.tracker.insert((at.parse().expect("an address"), tracker)).1
    }

    /// A torrent for a node, in the folder of its name.
    #[must_use]
    pub fn add_torrent(metainfo: &Arc<Metainfo>, purpose: Purpose) -> AddTorrent {
        AddTorrent::new(
            metainfo.clone(),
            Root(Arc::from(b"/download".as_slice())),
            purpose,
        )
    }

    /// Gives a node a command, now.
    pub fn command(&mut self, node: usize, command: Command) {
        self.feed(node, &Pending::Event(Event::Command(command)));
    }

    /// Lets something happen to a node, now.
    pub fn feed(&mut self, node: usize, pending: &Pending) {
        self.stepped = node;
        let engine = &mut self.nodes[node].engine;
        match pending {
            Pending::Event(event) => engine.handle(self.now, event.clone()),
            // the stream has it first, and gives the engine what its budget allows
            Pending::Received(conn, data) => return self.arrive(node, *conn, data),
            Pending::Datagram(from, data) => engine.handle(self.now, Event::Datagram { from: *from, data }),
        }
        self.carry_out(node);
    }

    fn push(&mut self, after: Duration, node: usize, pending: Pending) {
        self.queued += 1;
        self.queue
            .insert((self.now + after, self.queued), (node, pending));
    }

    /// Carries out what a node wants.
    fn carry_out(&mut self, node: usize) {
        while let Some(action) = self.nodes[node].engine.poll_action() {
            self.act(node, action);
        }
        self.nodes[node].tick_at = self.nodes[node].engine.deadline().map(|(at, _)| at);
    }

    fn act(&mut self, node: usize, action: Action) {
        match action {
            Action::Report(report) => {
                let now = self.now;
                self.nodes[node].reports.push((now, report));
            }
            Action::Disk { op, torrent, job } => {
                let slow = !matches!(job, DiskJob::Write { .. });
                let result = self.nodes[node].disk_of(torrent).carry_out(job);
                let after = if slow {
                    Duration::from_millis(1)
                } else {
                    Duration::ZERO
                };
                self.push(after, node, Pending::Event(Event::DiskDone { op, result }));
            }
            Action::Resolve { op, host } => {
                let result = host
                    .parse()
                    .map(|ip| vec![ip])
                    .map_err(|_| LookupError("no such host".into()));
                self.push(LATENCY, node, Pending::Event(Event::Resolved { op, result }));
            }
            Action::Datagram { to, data } => self.datagram(node, to, data),
            // its nodes are far from each other
            Action::Multicast { .. } => {}
            Action::Connect { conn, to, tls: _ } => self.connect(node, conn, to),
            Action::Send { conn, head, body } => self.send(node, conn, head, body),
            Action::Read { conn, budget } => self.read(node, conn, budget),
            Action::Hold { conn } => self.hold(node, conn),
            Action::Close { conn, reason: _ } => self.close(node, conn),
        }
    }

    fn datagram(&mut self, node: usize, to: SocketAddr, data: Vec<u8>) {
        self.datagrams.push((self.now, data.clone()));
        let lost = !self.lose.is_empty() && self.lose.remove(0);
        let from = SocketAddr::new(self.nodes[node].ip, self.nodes[node].listen_port);
        match &mut self.tracker {
            _ if lost => {}
            Some((at, tracker)) if *at == to => {
                let answer = tracker.datagram(self.now + LATENCY, from, &data);
                if let Some(answer) = answer {
                    self.push(LATENCY * 2, node, Pending::Datagram(to, answer));
                }
            }
            _ => {
                let event = Event::DatagramError {
                    to,
                    fault: DatagramFault::Refused,
                };
                self.push(LATENCY, node, Pending::Event(event));
            }
        }
    }

    /// The next tick that is due, and whose.
    fn next_tick(&self) -> Option<(Instant, usize)> {
        self.nodes
            .iter()
            .enumerate()
            .filter_map(|(n, node)| node.tick_at.map(|at| (at, n)))
            .min()
    }

    /// When the next thing happens.
    fn next_at(&self) -> Option<Instant> {
        let queued = self.queue.first_key_value().map(|(key, _)| key.0);
        let tick = self.next_tick().map(|(at, _)| at);
        queued.into_iter().chain(tick).min()
    }

    /// Lets the next thing happen: what is queued goes before a tick of the same time. False when nothing will.
    ///
    /// # Panics
    /// When a deadline does not move after its tick: a busy loop.
    pub fn step(&mut self) -> bool {
        let Some(at) = self.next_at() else { return false };
        self.now = self.now.max(at);
        if self.queue.first_key_value().is_some_and(|(key, _)| key.0 <= at) {
            let Some((_, (node, pending))) = self.queue.pop_first() else {
                return false;
            };
            self.feed(node, &pending);
        } else if let Some((_, node)) = self.next_tick() {
            self.feed(node, &Pending::Event(Event::Tick));
            let next = self.nodes[node].engine.deadline();
            assert!(
                next.is_none_or(|(at, _)| at > self.now),
                "at {} the deadline is {next:?}",
                self.now
            );
        }
        true
    }

    /// Steps until `done`, or until nothing is left to happen before `limit`. True when it is done.
    pub fn run_until(&mut self, limit: Instant, mut done: impl FnMut(&Self) -> bool) -> bool {
        while !done(self) {
            if !self.step_before(limit) {
                return false;
            }
        }
        true
    }

    /// Steps once, if something is left to happen before `limit`; else the time is `limit`.
    pub fn step_before(&mut self, limit: Instant) -> bool {
        if self.next_at().is_none_or(|at| at > limit) {
            self.now = self.now.max(limit);
            return false;
        }
        self.step()
    }

    /// Whether a node has reported something of this kind.
    pub fn reported(&self, node: usize, kind: impl Fn(&Report) -> bool) -> bool {
        self.nodes[node].reports.iter().any(|(_, report)| kind(report))
    }

    /// Whether a node's torrent is complete.
    #[must_use]
    pub fn is_complete(&self, node: usize) -> bool {
        let torrent = self.nodes[node].engine.torrent(TorrentId(1));
        torrent.is_some_and(|torrent| torrent.have().is_full())
    }
}
