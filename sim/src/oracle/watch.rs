//! Stands at the boundary of one engine and keeps what the oracles need to know.

use super::announce::Announces;
use super::blocks::Blocks;
use super::conn::{Asked, Conn};
use super::decisions::Decisions;
use super::digest::Digest;
use super::disk::Job;
use super::ledger::Heard;
use super::local::Local;
use super::moment::Moment;
use super::patience::Since;
use super::private::Answers;
use super::rate::Passed;
use super::recovery::Recovery;
use super::reports::{Story, Summary};
use super::table::Oracle;
use super::verdicts::Verdicts;
use crate::marks::Marks;
use seedbed_engine::bitfield::Bitfield;
use seedbed_engine::geometry::{BlockRange, Geometry};
use seedbed_engine::id::{ConnId, OpId, PieceIndex};
use seedbed_engine::marks::Marks as EngineMarks;
use seedbed_engine::metainfo::Metainfo;
use seedbed_engine::time::Instant;
use seedbed_engine::{Action, Config, Engine, Event, Report, TorrentState};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Ticks at one instant that are no busy loop yet.
const TICKS_AT_ONCE: u32 = 64;

/// What a watch is told of the world that it stands in.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The engine's configuration.
    pub config: Config,
    /// The torrent.
    pub metainfo: Arc<Metainfo>,
    /// Its content.
    pub content: Arc<[u8]>,
    /// What its link names is no torrent.
    pub broken: bool,
    /// Addresses of trackers.
    pub trackers: Vec<IpAddr>,
    /// Addresses of those who never send wrong data.
    pub honest: Vec<IpAddr>,
    /// Addresses of all others in the world that take part in the torrent.
    pub others: Vec<IpAddr>,
}

/// Watches one engine, through all of its lives.
#[derive(Clone, Debug)]
pub struct Watch {
    pub(crate) setup: Arc<Setup>,
    pub(crate) geometry: Geometry,
    /// What was found.
    pub verdicts: Verdicts,
    /// Branches of the engine that were taken: see [`super::MARKS`].
    pub marks: Marks,
    /// What happened since this was last taken.
    pub moments: Vec<Moment>,
    pub(crate) moment_counts: BTreeMap<(&'static str, Option<IpAddr>), u32>,
    /// Over all events and actions, and the state after each.
    pub digest: Digest,
    pub(crate) decisions: Decisions,
    pub(crate) now: Instant,
    pub(crate) conns: BTreeMap<ConnId, Conn>,
    pub(crate) dirty: Vec<ConnId>,
    pub(crate) dialled: u64,
    pub(crate) ops: BTreeMap<OpId, Job>,
    pub(crate) op_last: Option<OpId>,
    pub(crate) blocks: Blocks,
    /// Pieces of files that the user wants.
    pub(crate) wanted: Bitfield,
    /// Pieces whose hash was right at some time, and those among them that were synced then.
    pub(crate) proven: Bitfield,
    pub(crate) synced: Bitfield,
    /// What the engine says that it has.
    pub(crate) have: Bitfield,
    /// The verified set may shrink: a recheck, a disk error, a new life.
    pub(crate) may_shrink: bool,
    pub(crate) state: Option<TorrentState>,
    pub(crate) paused: bool,
    /// It began with a link, and its metadata is not here.
    pub(crate) is_link: bool,
    /// The user took the torrent away.
    pub(crate) removed: bool,
    pub(crate) writing: u64,
    pub(crate) traffic: Traffic,
    pub(crate) heard: Heard,
    pub(crate) announces: Announces,
    /// What the local network was told.
    pub(crate) local: Local,
    pub(crate) story: Story,
    /// Events between two looks at all that the engine keeps (I10, I11, I43).
    pub audited: u64,
    pub(crate) ticks: (Instant, u32),
    pub(crate) ticked: bool,
    /// When the engine wants its next tick.
    pub(crate) wakes_at: Option<Instant>,
    /// Events so far, for what is looked at now and then.
    pub(crate) events: u64,
    /// Something happened that a user would ask about.
    pub(crate) asks_now: bool,
    /// Since when the user waits for a file that is fetched.
    pub(crate) fetching: Option<Instant>,
    pub(crate) slots: u32,
    /// When what must not last began.
    pub(crate) since: Since,
    /// What passed under the limits over all peers.
    pub(crate) down: Passed,
    pub(crate) up: Passed,
    /// A peer was unchoked since the engine last settled.
    pub(crate) unchoking: Option<ConnId>,
    /// Peers that were choked since then.
    pub(crate) choking: Vec<ConnId>,
    /// Blocks that were asked of a peer while others were asked for them, since the engine last settled.
    pub(crate) racing: Vec<(ConnId, BlockRange)>,
    /// Connections at a time, at the most so far.
    pub(crate) conns_most: usize,
    /// When writes last waited beyond what lets the engine read on.
    pub(crate) backlog_at: Instant,
    /// Whether the disk keeps what it was given: no rot, no lost writes, nobody else at the files.
    pub sound_disk: bool,
    /// A job failed in this life: which blocks the engine holds for lost is not known from outside then.
    pub(crate) disk_errors: bool,
    /// Pieces that were verified and not yet compared with the disk.
    pub to_compare: Vec<PieceIndex>,
    /// Pieces that a check of a sound disk did not find, and that were not compared with it yet.
    pub not_found: Vec<PieceIndex>,
    /// What was had when the user paused.
    pub(crate) paused_have: Option<Bitfield>,
    /// What has to come true again, and by when.
    pub(crate) recovery: Recovery,
    /// Whether no fault of the disk is at work.
    pub(crate) disk_works: bool,
    /// Whose bytes the engine is looking at.
    pub(crate) speaker: Option<IpAddr>,
    /// Blocks that were written since the engine last settled.
    pub(crate) written: Vec<BlockRange>,
    /// What trackers said, as far as it matters.
    pub(crate) answers: Answers,
    /// Branches that the engines of earlier lives took.
    pub engine_marks: EngineMarks,
    /// What is told of all lives in the end.
    pub(crate) summary: Summary,
}

/// Payload, counted from the streams.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) received: u64,
    pub(crate) sent: u64,
    /// Blocks that were outstanding when they came, and blocks that were written.
    pub(crate) answers: u64,
    pub(crate) written: u64,
    /// Answers in this event: if it ends the connection, some of them were not looked at.
    pub(crate) just_now: u64,
    pub(crate) raced: u64,
    /// Requests that were lost to a choke, a close, a reject, a time-out or a cancel.
    pub(crate) lost: u64,
    pub(crate) hash_failures: u64,
}

impl Watch {
    /// A watch over an engine that has not begun.
    ///
    /// # Panics
    /// When the torrent's sizes make no geometry, which the engine would have refused before.
    pub fn new(setup: Setup) -> Self {
        let length = setup.metainfo.piece_length;
        let block = setup.config.block_length.min(length);
        let geometry = Geometry::new(setup.content.len() as u64, u64::from(length), block);
        let geometry = geometry.expect("a torrent that was made has a geometry");
        let none = Bitfield::new(geometry.pieces());
        Self {
            slots: setup.config.choker.slots,
            since: Since::START,
            down: Passed::new(setup.config.rate_down),
            up: Passed::new(setup.config.rate_up),
            announces: Announces::new(&setup.config.tracker, setup.content.len() as u64),
            setup: Arc::new(setup),
            geometry,
            verdicts: Verdicts::default(),
            marks: Marks::default(),
            moments: Vec::new(),
            moment_counts: BTreeMap::new(),
            digest: Digest::default(),
            decisions: Decisions::default(),
            now: Instant::START,
            conns: BTreeMap::new(),
            dirty: Vec::new(),
            dialled: 0,
            ops: BTreeMap::new(),
            op_last: None,
            blocks: Blocks::new(geometry),
            wanted: Bitfield::full(geometry.pieces()),
            proven: none.clone(),
            synced: none.clone(),
            have: none,
            may_shrink: true,
            state: None,
            paused: false,
            is_link: false,
            removed: false,
            writing: 0,
            traffic: Traffic::default(),
            heard: Heard::default(),
            local: Local::default(),
            story: Story::default(),
            audited: super::state::AUDITED,
            ticks: (Instant::START, 0),
            ticked: false,
            wakes_at: None,
            events: 0,
            asks_now: false,
            fetching: None,
            sound_disk: true,
            disk_errors: false,
            to_compare: Vec::new(),
            not_found: Vec::new(),
            paused_have: None,
            recovery: Recovery::default(),
            disk_works: true,
            speaker: None,
            written: Vec::new(),
            unchoking: None,
            choking: Vec::new(),
            racing: Vec::new(),
            conns_most: 0,
            backlog_at: Instant::START,
            answers: Answers::default(),
            engine_marks: EngineMarks::default(),
            summary: Summary::default(),
        }
    }

    /// The process died: all that the engine knew is gone, the disk and what was proven are not.
    /// `marks` are those of the engine that is no more. When the power went, only what was synced is still there.
    pub fn restarted(&mut self, marks: EngineMarks, power: bool) {
        self.engine_marks.merge(marks);
        if power {
            self.proven = self.synced.clone();
        }
        self.conns.clear();
        self.dirty.clear();
        self.ops.clear();
        self.op_last = None;
        self.dialled = 0;
        self.blocks = Blocks::new(self.geometry);
        self.have = Bitfield::new(self.geometry.pieces());
        self.may_shrink = true;
        self.state = None;
        self.paused = false;
        self.removed = false;
        self.fetching = None;
        self.writing = 0;
        self.announces = Announces::new(&self.setup.config.tracker, self.setup.content.len() as u64);
        self.story = Story::default();
        self.wakes_at = None;
        self.heard = Heard::default();
        self.local = Local::default();
        self.recovery.restarted();
        self.since = Since::START;
        self.disk_errors = false;
        self.down = Passed::new(self.setup.config.rate_down);
        self.up = Passed::new(self.setup.config.rate_up);
        // what was on its way to the disk is lost, and not in vain
        self.traffic.answers = self.traffic.written;
    }

    /// Something is about to be given to the engine.
    pub fn event(&mut self, now: Instant, event: &Event<'_>) {
        self.now = now;
        self.verdicts.now = now;
        self.events += 1;
        self.asks_now |= self.events.is_multiple_of(super::asks::EVERY);
        self.ticked = false;
        self.traffic.just_now = 0;
        self.hears(None);
        self.digest.event(now, event);
        match event {
            Event::Tick => self.tick(),
            Event::Command(command) => self.command(command),
            Event::Accepted { conn, from } => self.accepted(*conn, *from),
            Event::Connected { conn } => {
                if let Some(conn) = self.conns.get_mut(conn) {
                    conn.connected = true;
                }
            }
            Event::Received { conn, data } => {
                self.comes(*conn, data.len() as u64);
                self.speaker = self.conns.get(conn).map(|conn| conn.addr.ip());
                self.hears(Some(*conn));
                self.received(*conn, data);
            }
            Event::Sent { conn, bytes } => {
                if let Some(conn) = self.conns.get_mut(conn) {
                    conn.taken += bytes;
                }
            }
            Event::Closed { conn, cause: _ } => self.forget(*conn),
            Event::Datagram { from, data } => {
                self.announces.answer(now, *from, data);
                self.tracker_says(data);
                self.answers(from.ip());
            }
            Event::Multicast { .. } => {}
            Event::DatagramError { to, fault: _ } => self.announces.refused(*to),
            Event::Resolved { op, result } => {
                self.ops.remove(op);
                let addresses = result.as_ref().map_or(&[][..], |found| found.as_slice());
                self.announces.several_addresses |= addresses.len() > 1;
                self.name_is(addresses);
            }
            Event::DiskDone { op, result } => self.disk_done(*op, result),
            Event::NetworkChanged => {
                self.announces.disturbed();
                self.network_changes();
            }
        }
    }

    /// The engine wants something.
    pub fn action(&mut self, action: &Action) {
        self.digest.action(action);
        if self.story.shut_down {
            // who dials a program that is about to exit is turned away
            let kept = match action {
                Action::Close { conn, .. } => self.conns.contains_key(conn),
                Action::Report(Report::PeerClosed { .. }) => true,
                _ => false,
            };
            self.verdicts
                .check(Oracle::I34, kept, || format!("after the shutdown: {action:?}"));
        }
        if self.paused && self.story.quiet {
            // what a tracker's redirect leads to is no peer
            let dials = matches!(action, Action::Connect { to, .. } if self.setup.others.contains(&to.ip()));
            self.verdicts
                .check(Oracle::I33, !dials, || "a peer is dialled while paused".into());
        }
        match action {
            Action::Connect { conn, to, tls: _ } => self.connect(*conn, *to),
            Action::Send { conn, head, body } => {
                let body = body.as_ref().map_or(&[][..], |body| body.as_bytes());
                self.sent(*conn, head, body);
            }
            Action::Read { conn, budget } => self.may_send(*conn, *budget),
            Action::Hold { conn } => self.may_send_nothing(*conn),
            Action::Close { conn, reason } => {
                self.named(*conn, "Close");
                self.mark_close(reason);
                self.heard_unrequested(reason);
                if let Some(conn) = self.conns.get(conn) {
                    self.closes(conn.addr.ip(), reason);
                }
                self.takes_for_dead(*conn, reason);
                self.traffic.answers =
                    (self.traffic.answers - self.traffic.just_now).max(self.traffic.written);
                self.traffic.just_now = 0;
                self.forget(*conn);
            }
            Action::Datagram { to, data } => self.datagram(*to, data),
            Action::Multicast { group, data } => self.tells_locally(*group, data),
            Action::Resolve { op, host: _ } => self.op(*op, Job::Resolve),
            Action::Disk { op, torrent: _, job } => self.disk_job(*op, job),
            Action::Report(report) => self.report(report),
        }
    }

    /// The engine has said all that it wants.
    pub fn settled(&mut self, engine: &Engine) {
        let deadline = engine.deadline();
        self.wakes_at = deadline.map(|(at, _)| at);
        if self.ticked {
            let now = self.now;
            let busy = self.ticks.1 > TICKS_AT_ONCE;
            self.verdicts.check(
                Oracle::I25,
                !busy && deadline.is_none_or(|(at, _)| at > now),
                || format!("after the tick at {now} the deadline is {deadline:?}"),
            );
        }
        self.judge_step();
        if self.ticked {
            self.owed();
        }
        self.look(engine);
    }

    /// The time of the last event.
    pub(crate) const fn now(&self) -> Instant {
        self.now
    }

    /// Where a piece lies in the content, in bytes.
    pub(crate) fn bytes_of(&self, piece: PieceIndex) -> core::ops::Range<u64> {
        let length = u64::from(self.setup.metainfo.piece_length);
        let from = u64::from(piece.0) * length;
        from..(from + length).min(self.setup.content.len() as u64)
    }

    /// What can only be said of a step as a whole: what was taken from one may have been given to another.
    pub(crate) fn judge_step(&mut self) {
        self.slots();
        while let Some(id) = self.choking.pop() {
            self.refuses_the_rest(id);
        }
        self.races();
        self.judge_bans();
    }

    fn tick(&mut self) {
        self.ticked = true;
        self.ticks = if self.ticks.0 == self.now {
            (self.now, self.ticks.1 + 1)
        } else {
            (self.now, 1)
        };
        let (snub, timeout) = {
            let session = &self.setup.config.session;
            (session.snub_timeout, session.request_timeout)
        };
        let limited = self.down.is_limited();
        for conn in self.conns.values_mut() {
            if limited && conn.budget == 0 {
                continue;
            }
            // the answer to a cancel is not waited for any longer
            let over = |asked: &Asked| asked.cancelled && self.now >= asked.at + timeout;
            let before = conn.asked.len();
            conn.asked.retain(|asked| !over(asked));
            conn.let_go += before - conn.asked.len();
            for range in conn.silent(self.now, snub) {
                self.blocks.unasked(range);
                self.traffic.lost += 1;
            }
        }
    }

    fn accepted(&mut self, id: ConnId, from: SocketAddr) {
        self.conns
            .insert(id, Conn::new(from, false, self.geometry.pieces()));
        self.meets(from.ip(), false);
    }

    /// I29: the connection is there.
    pub(crate) fn named(&mut self, id: ConnId, what: &str) {
        let there = self.conns.contains_key(&id);
        self.verdicts.check(Oracle::I29, there, || {
            format!("{what} for {id}, which is not there")
        });
    }

    /// A connection is no more.
    fn forget(&mut self, id: ConnId) {
        self.hears_no_more(id);
        if let Some(conn) = self.conns.remove(&id) {
            if !self.setup.trackers.contains(&conn.addr.ip()) {
                self.parts(conn.addr.ip());
            }
            for asked in &conn.asked {
                if !asked.cancelled && !asked.released {
                    self.blocks.unasked(asked.range);
                }
                self.traffic.lost += 1;
            }
        }
    }

    /// Whether a piece is there for certain, in the engine's own words and the oracle's.
    pub(crate) fn is_proven(&self, piece: PieceIndex) -> bool {
        self.proven.contains(piece)
    }

    pub(crate) fn touch(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(&id)
            && !conn.dirty
        {
            conn.dirty = true;
            self.dirty.push(id);
        }
    }

    /// Whether wrong data may be blamed on this address.
    pub(crate) fn is_honest(&self, ip: IpAddr) -> bool {
        self.setup.honest.contains(&ip)
    }
}
