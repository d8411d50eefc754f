//! The public boundary: routes events to their owners, translates what they want into actions, keeps the limits
//! over all torrents.
//!
//! `handle` = *apply* (the owner of the event changes its state) then *settle* (everything that was touched plans:
//! refills, flushes, registers its timers; free connections are dialled), in the order of ids. So the order of
//! actions depends on nothing but the events.

mod checkpoint;
mod commands;
mod dial;
mod fetch;
mod figures;
mod incoming;
mod lsd;
mod probe;
mod queue;
mod rates;
mod route;
mod slots;
mod view;

pub use view::TorrentView;

use crate::action::{Action, CloseReason};
use crate::block::Spans;
use crate::config::Config;
use crate::event::Event;
use crate::id::{ConnId, InfoHash, OpId, PeerId, TorrentId};
use crate::lsd::Lsd;
use crate::marks::Marks;
use crate::report::Report;
use crate::rng::{Purpose, Rng, Seeds};
use crate::session::End;
use crate::throttle::{Gate, Throttle};
use crate::time::{Duration, Instant};
use crate::torrent::{Due, Ids, Torrent};
use crate::tracker::{LookupKey, RequestIds, StreamKey, TrackerClient};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::ops::Range;
use dial::Dialer;
use fetch::Fetch;
use incoming::Incoming;
use probe::Probe;
use queue::Queue;
use serde::{Deserialize, Serialize};
use slots::Slots;

/// The whole protocol logic of a client.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Engine {
    config: Config,
    seeds: Seeds,
    peer_id: PeerId,
    now: Instant,
    ids: Ids,
    /// Taken before every checkpoint, so no part of one.
    #[serde(skip)]
    actions: VecDeque<Action>,
    /// Parts of what was received last that no decision depends on.
    unread: Spans,

    torrents: BTreeMap<TorrentId, Torrent>,
    by_hash: BTreeMap<InfoHash, TorrentId>,
    torrents_added: u32,
    /// Torrents that something happened to and that have not planned since.
    touched: BTreeSet<TorrentId>,
    timers: BTreeSet<(Instant, Due, TorrentId)>,
    registered: BTreeMap<TorrentId, (Instant, Due)>,

    conns: BTreeMap<ConnId, ConnOwner>,
    ops: BTreeMap<OpId, OpOwner>,
    streams: BTreeMap<StreamKey, ConnId>,
    trackers: TrackerClient,
    lsd: Lsd,
    incoming: BTreeMap<ConnId, Incoming>,
    /// Keys and paddings for those who dial us.
    secrets: Rng,
    dialer: Dialer,
    throttle: Throttle,
    slots: Slots,
    queue: Queue,
    fetch: Option<Fetch>,
    probe: Option<Probe>,
    probe_ids: RequestIds,
    /// Shutting down: when it has to be over.
    shutdown_at: Option<Instant>,
    shut_down: bool,
    /// Branches that torrents took that are gone.
    marks: Marks,
}

/// Whose connection it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum ConnOwner {
    Torrent(TorrentId),
    /// Accepted; which torrent it wants is not known yet.
    Incoming,
    Tracker(StreamKey),
    Fetch,
}

/// Whose request to the driver it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum OpOwner {
    Torrent(TorrentId),
    TrackerLookup(LookupKey),
    FetchLookup,
}

/// Which timer asks for the next `Tick`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Timer {
    /// A connection or a request.
    Peer,
    /// A choking round.
    Choker,
    /// An address may be dialled, or may be again.
    Candidates,
    /// An announce is due or timed out.
    Tracker,
    /// A peer may be told of others.
    Pex,
    /// The local network is told of what we share.
    Lsd,
    /// The resume state should be saved.
    Resume,
    /// Storage is tried again.
    Disk,
    /// A fetch timed out.
    Fetch,
    /// The shutdown takes too long.
    Shutdown,
    /// A rate limit lets more through.
    Rate,
}

/// A tick that is later than this was kept from us: the process was stopped, or its machine slept.
const OVERSLEPT: Duration = Duration::from_secs(5);

impl From<Due> for Timer {
    fn from(due: Due) -> Self {
        match due {
            Due::Peer => Self::Peer,
            Due::Choker => Self::Choker,
            Due::Candidates => Self::Candidates,
            Due::Tracker => Self::Tracker,
            Due::Pex => Self::Pex,
            Due::Resume => Self::Resume,
            Due::Disk => Self::Disk,
            Due::Rate => Self::Rate,
        }
    }
}

impl Engine {
    /// An engine without torrents. Equal arguments and events give equal actions.
    ///
    /// `seed` is the root of all randomness: a driver of real networks takes it from the operating system.
    pub fn new(config: Config, seed: [u8; 32]) -> Self {
        Self::with_seeds(config, Seeds::Root(seed))
    }

    /// The same with streams that begin at seeds of their own: for the replay of a recorded run.
    pub fn with_seeds(config: Config, seeds: Seeds) -> Self {
        let trackers = TrackerClient::new(
            config.tracker.clone(),
            config.http.clone(),
            config.ipv4,
            config.ipv6,
            &config.client_name,
            seeds.stream(Purpose::Transaction, 0),
        );
        Self {
            slots: Slots::default(),
            queue: Queue::default(),
            peer_id: peer_id(&config, &seeds),
            now: Instant::START,
            ids: Ids::default(),
            actions: VecDeque::new(),
            unread: Spans::new(),
            torrents: BTreeMap::new(),
            by_hash: BTreeMap::new(),
            torrents_added: 0,
            touched: BTreeSet::new(),
            timers: BTreeSet::new(),
            registered: BTreeMap::new(),
            conns: BTreeMap::new(),
            ops: BTreeMap::new(),
            streams: BTreeMap::new(),
            trackers,
            incoming: BTreeMap::new(),
            lsd: Lsd::new(
                config.lsd.clone(),
                [config.ipv4, config.ipv6],
                config.listen_port,
                seeds.stream(Purpose::LocalDiscovery, 0),
            ),
            secrets: seeds.stream(Purpose::Encryption, 0),
            dialer: Dialer::default(),
            throttle: Throttle::new(Gate::new(
                Instant::START,
                config.rate_down,
                config.rate_up,
                config.block_length,
            )),
            fetch: None,
            probe: None,
            probe_ids: RequestIds::new(0),
            shutdown_at: None,
            shut_down: false,
            marks: Marks::default(),
            config,
            seeds,
        }
    }

    /// The only way in. Total: any event at any time is legal. Time that goes back is taken as standing still.
    pub fn handle(&mut self, now: Instant, event: Event<'_>) {
        // a stopped process has few deadlines behind it and much that waits to be read: who waited is not to blame
        if now > self.now + OVERSLEPT && self.deadline().is_some_and(|(due, _)| now > due + OVERSLEPT) {
            self.torrents
                .values_mut()
                .for_each(|torrent| torrent.overslept(now));
        }
        self.now = self.now.max(now);
        self.unread.clear();
        self.apply(event);
        self.settle();
    }

    fn apply(&mut self, event: Event<'_>) {
        match event {
            Event::Tick => self.tick(),
            Event::Command(command) => self.command(command),
            Event::Accepted { conn, from } => self.accepted(conn, from),
            Event::Connected { conn } => self.connected(conn),
            Event::Received { conn, data } => self.received(conn, data),
            Event::Sent { conn, bytes } => self.sent(conn, bytes),
            Event::Closed { conn, cause } => self.closed(conn, cause),
            Event::Datagram { from, data } => {
                self.trackers.handle_datagram(self.now, from, data);
            }
            Event::Multicast { group, from, data } => self.multicast(group, from, data),
            Event::DatagramError { to, fault } => self.trackers.handle_datagram_error(self.now, to, fault),
            Event::Resolved { op, result } => self.resolved(op, result),
            Event::DiskDone { op, result } => {
                if let Some(OpOwner::Torrent(id)) = self.ops.remove(&op) {
                    self.with_torrent(id, |torrent, cx| torrent.handle_disk(cx, op, result));
                }
            }
            Event::NetworkChanged => {
                self.trackers.network_changed();
                self.lsd.network_changed(self.now);
                for id in self.torrent_ids() {
                    self.with_torrent(id, Torrent::network_changed);
                }
            }
        }
    }

    /// Does what is due.
    fn tick(&mut self) {
        while let Some((at, due, id)) = self.timers.first().copied() {
            if at > self.now {
                break;
            }
            self.timers.remove(&(at, due, id));
            self.registered.remove(&id);
            self.with_torrent(id, Torrent::handle_timeout);
            self.plan_touched();
        }
        self.rates_timeout();
        self.trackers.handle_timeout(self.now);
        self.lsd_timeout();
        self.incoming_timeouts();
        self.fetch_timeout();
        self.probe_timeout();
        if self.shutdown_at.is_some_and(|at| self.now >= at) {
            self.abandon_all();
        }
    }

    /// Lets everything plan that was touched, until nothing is left to do.
    fn settle(&mut self) {
        loop {
            self.drain_trackers();
            self.plan_touched();
            if !self.work_queue() && !self.dial() && !self.trackers_have_output() && self.touched.is_empty() {
                break;
            }
        }
        self.share_slots();
        self.end_if_shut_down();
    }

    fn plan_touched(&mut self) {
        while let Some(id) = self.touched.pop_first() {
            self.with_torrent(id, Torrent::plan);
            self.touched.remove(&id);
            self.dialer.may_want(id);
            self.slots_wanted(id);
            self.queue_noted(id);
            self.lsd_noted(id);
            self.register(id);
        }
    }

    /// Registers the deadline of a torrent.
    fn register(&mut self, id: TorrentId) {
        let deadline = self.torrents.get(&id).and_then(Torrent::deadline);
        if self.registered.get(&id).copied() == deadline {
            return;
        }
        if let Some((at, due)) = self.registered.remove(&id) {
            self.timers.remove(&(at, due, id));
        }
        if let Some((at, due)) = deadline {
            self.timers.insert((at, due, id));
            self.registered.insert(id, (at, due));
        }
    }

    /// The only way out: the next action, if any.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Branches that were taken so far, for tests. Walks all torrents.
    pub fn marks(&self) -> Marks {
        let mut marks = self.marks;
        marks.merge(self.trackers.marks());
        marks.merge(self.lsd.marks);
        self.torrents
            .values()
            .for_each(|torrent| marks.merge(torrent.marks()));
        marks
    }

    /// When `Tick` is due, and which timer asks.
    pub fn deadline(&self) -> Option<(Instant, Timer)> {
        let torrents = self.timers.first().map(|(at, due, _)| (*at, Timer::from(*due)));
        let trackers = self.trackers.deadline().map(|at| (at, Timer::Tracker));
        let lsd = self.lsd.deadline().map(|at| (at, Timer::Lsd));
        let incoming = self.incoming_deadline().map(|at| (at, Timer::Peer));
        let dialer = self.dial_deadline().map(|at| (at, Timer::Candidates));
        let fetch = self.fetch_deadline().map(|at| (at, Timer::Fetch));
        let probe = self.probe_deadline().map(|at| (at, Timer::Tracker));
        let shutdown = self.shutdown_at.map(|at| (at, Timer::Shutdown));
        let rate = self.throttle.deadline().map(|at| (at, Timer::Rate));
        [
            torrents, trackers, lsd, incoming, dialer, fetch, probe, shutdown, rate,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Reads the state of a torrent.
    pub fn torrent(&self, id: TorrentId) -> Option<TorrentView<'_>> {
        self.torrents.get(&id).map(|torrent| TorrentView { torrent })
    }

    /// The torrents in the order in which they were added.
    pub fn torrents(&self) -> impl Iterator<Item = TorrentId> + '_ {
        self.torrents.keys().copied()
    }

    /// Which bytes of the `Received` that was handled last were not looked at: payload of blocks, and what came behind
    /// the end of a connection. Ascending and disjoint. No decision depends on them, so a recording leaves them out,
    /// and a replay fills them with anything.
    pub fn unread_spans(&self) -> &[Range<usize>] {
        &self.unread
    }

    /// Torrents that were taken so far; the newest has this number.
    pub const fn torrents_added(&self) -> u32 {
        self.torrents_added
    }

    /// Where the random streams begin, for recordings.
    pub const fn seeds(&self) -> &Seeds {
        &self.seeds
    }

    /// Our peer id of this run.
    pub const fn peer_id(&self) -> PeerId {
        self.peer_id
    }

    fn torrent_ids(&self) -> Vec<TorrentId> {
        self.torrents.keys().copied().collect()
    }

    fn report(&mut self, report: Report) {
        self.actions.push_back(Action::Report(report));
    }

    fn close(&mut self, conn: ConnId, reason: CloseReason) {
        self.conns.remove(&conn);
        self.actions.push_back(Action::Close { conn, reason });
    }

    /// The shutdown took too long: everything ends as it is.
    fn abandon_all(&mut self) {
        let conns: Vec<_> = self.conns.keys().copied().collect();
        for conn in conns {
            self.close(conn, CloseReason::Peer(End::Shutdown));
        }
        // their exchanges may time out at this very instant, and are not to close anything a second time
        self.streams.clear();
        self.torrents.keys().for_each(|id| self.throttle.forget(*id));
        self.torrents.clear();
        self.lsd.clear();
        self.by_hash.clear();
        self.timers.clear();
        self.registered.clear();
        self.touched.clear();
        self.incoming.clear();
        self.fetch = None;
        self.probe = None;
    }

    /// Whether a shutdown is under way, or over.
    const fn is_ending(&self) -> bool {
        self.shutdown_at.is_some() || self.shut_down
    }

    fn end_if_shut_down(&mut self) {
        let over = self.torrents.is_empty() && self.fetch.is_none() && self.probe.is_none();
        if self.shutdown_at.is_some() && over {
            self.shutdown_at = None;
            self.shut_down = true;
            self.report(Report::ShutDown);
        }
    }
}

/// Our peer id: the prefix says which client and version (BEP 20), the rest is random, fresh for each run.
fn peer_id(config: &Config, seeds: &Seeds) -> PeerId {
    let mut id = [0; 20];
    seeds.stream(Purpose::PeerId, 0).fill(&mut id);
    id[..8].copy_from_slice(&config.peer_id_prefix);
    PeerId(config.peer_id.unwrap_or(id))
}
