//! An engine alone with its watch: a list of events goes in, and nothing but they decides what happens.
//!
//! Events of a list from which others were taken away name what may not be there any more. They are *repaired*: a job or a
//! lookup is found by what it asks for, a connection that the engine dials by its address, and what answers nothing is left
//! out. Ticks are no part of a list: they come when the engine's deadline does.

use crate::journal::OwnedEvent;
use crate::oracle::{Breach, Setup, Watch};
use seedbed_engine::disk::DiskJob;
use seedbed_engine::id::{ConnId, OpId};
use seedbed_engine::journal::{Header, Writer};
use seedbed_engine::rng::Seeds;
use seedbed_engine::time::Instant;
use seedbed_engine::{Action, Engine, Event};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Ticks of a run at the most.
const TICKS_MAX: u32 = 20_000;

/// What an event answers.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Subject {
    /// Nothing that the engine asked for.
    Nothing,
    /// A job of a disk.
    Job(Box<DiskJob>),
    /// A lookup of a name.
    Name(String),
    /// A connection that the engine dialled.
    Dialled(SocketAddr),
}

/// An event of a list.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) at: Instant,
    pub(super) event: OwnedEvent,
    pub(super) subject: Subject,
}

/// What a run on the bench starts from.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) name: String,
    pub(super) setup: Setup,
    pub(super) seed: [u8; 32],
    /// Whether the disk kept its word.
    pub(super) sound_disk: bool,
    /// How long ticks come behind the last event.
    pub(super) until: Instant,
    /// Events after which the engine's books are looked into ([`Options::audited`](crate::run::Options)).
    pub(super) audited: Option<u64>,
}

/// What came of a run.
#[derive(Debug)]
pub(super) struct Ran {
    /// The rule that was broken first; a panic is none.
    pub(super) breach: Option<Breach>,
    /// What a panic said.
    pub(super) panic: Option<String>,
    /// Events that were given, without ticks.
    pub(super) given: usize,
    /// What each of them answered.
    pub(super) subjects: Vec<Subject>,
    /// The journal, if one was asked for.
    pub(super) journal: Vec<u8>,
}

/// Runs a list of events. Unless it is to be `repaired`, the ids are those of the run that the list is from, all of it. A journal is
/// made if it is to be `recorded`.
pub(super) fn run(start: &Start, steps: &[Step], repaired: bool, recorded: bool) -> Ran {
    let mut bench = Bench::new(start, recorded);
    let ended = catch_unwind(AssertUnwindSafe(|| bench.play(steps, repaired, start.until)));
    let panic = ended.err().map(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
            .unwrap_or_default()
    });
    if let Some(writer) = bench.writer.as_mut().filter(|_| panic.is_none()) {
        writer.finish(&bench.engine);
    }
    Ran {
        breach: bench.watch.verdicts.breaches.first().cloned(),
        panic,
        given: bench.given,
        subjects: bench.subjects,
        journal: bench.writer.map_or(Vec::new(), |writer| writer.ready().to_vec()),
    }
}

struct Bench {
    engine: Engine,
    watch: Watch,
    writer: Option<Writer>,
    content: Arc<[u8]>,
    /// What was written, where the content has other bytes.
    wrong: BTreeSet<u64>,
    jobs: BTreeMap<OpId, DiskJob>,
    names: BTreeMap<OpId, String>,
    conns: BTreeMap<ConnId, SocketAddr>,
    /// Connections of the list, and which they are here.
    here: BTreeMap<ConnId, ConnId>,
    given: usize,
    subjects: Vec<Subject>,
    ticks: u32,
}

impl Bench {
    fn new(start: &Start, recorded: bool) -> Self {
        let config = start.setup.config.clone();
        let seeds = Seeds::Root(start.seed);
        let mut watch = Watch::new(start.setup.clone());
        watch.sound_disk = start.sound_disk;
        watch.audited = start.audited.unwrap_or(watch.audited);
        Self {
            writer: recorded.then(|| {
                let header = Header::new(config.clone(), &seeds, "unknown", &start.name);
                Writer::new(&header)
            }),
            engine: Engine::new(config, start.seed),
            content: start.setup.content.clone(),
            watch,
            wrong: BTreeSet::new(),
            jobs: BTreeMap::new(),
            names: BTreeMap::new(),
            conns: BTreeMap::new(),
            here: BTreeMap::new(),
            given: 0,
            subjects: Vec::new(),
            ticks: 0,
        }
    }

    fn play(&mut self, steps: &[Step], repaired: bool, until: Instant) {
        for step in steps {
            self.tick_until(step.at);
            let event = if repaired {
                self.repair(step)
            } else {
                Some(step.event.clone())
            };
            let Some(event) = event else { continue };
            self.subjects.push(self.subject(&event));
            self.given += 1;
            self.give(step.at, event.lent());
            if !self.watch.verdicts.breaches.is_empty() {
                return;
            }
        }
        self.tick_until(until);
    }

    fn tick_until(&mut self, at: Instant) {
        while self.watch.verdicts.breaches.is_empty()
            && self.ticks < TICKS_MAX
            && let Some((due, _)) = self.engine.deadline().filter(|(due, _)| *due <= at)
        {
            self.ticks += 1;
            self.give(due.max(self.watch.now()), Event::Tick);
        }
    }

    fn give(&mut self, at: Instant, event: Event<'_>) {
        self.watch.event(at, &event);
        if let Event::Accepted { conn, from } = &event {
            self.conns.insert(*conn, *from);
        }
        if let Event::Closed { conn, .. } = &event {
            self.conns.remove(conn);
        }
        if let Event::DiskDone { op, .. } = &event {
            self.jobs.remove(op);
        }
        if let Event::Resolved { op, .. } = &event {
            self.names.remove(op);
        }
        self.engine.handle(at, event.clone());
        if let Some(writer) = &mut self.writer {
            writer.event(at, &event, &self.engine);
        }
        self.watch.keys(&self.engine);
        while let Some(action) = self.engine.poll_action() {
            if let Some(writer) = &mut self.writer {
                writer.action(&action);
            }
            self.watch.action(&action);
            self.note(action);
        }
        self.watch.settled(&self.engine);
        for piece in std::mem::take(&mut self.watch.to_compare) {
            let range = self.watch.bytes_of(piece);
            let wrong = self.wrong.range(range).next().is_some();
            self.watch.verdicts.check(crate::oracle::Oracle::I2, !wrong, || {
                format!("{piece} is verified, and other bytes were written")
            });
        }
        self.watch.moments.clear();
    }

    /// What an action leaves to be answered.
    fn note(&mut self, action: Action) {
        match action {
            Action::Connect { conn, to, tls: _ } => {
                self.conns.insert(conn, to);
            }
            Action::Close { conn, reason: _ } => {
                self.conns.remove(&conn);
            }
            Action::Resolve { op, host } => {
                self.names.insert(op, host);
            }
            Action::Disk { op, torrent: _, job } => {
                if let DiskJob::Write { range, data } = &job {
                    let from = self.watch.bytes_of(range.piece).start + u64::from(range.begin);
                    for (at, byte) in (from..).zip(data.as_bytes()) {
                        let right =
                            usize::try_from(at).ok().and_then(|at| self.content.get(at)) == Some(byte);
                        if right {
                            self.wrong.remove(&at);
                        } else {
                            self.wrong.insert(at);
                        }
                    }
                }
                self.jobs.insert(op, job);
            }
            Action::Send { .. }
            | Action::Read { .. }
            | Action::Hold { .. }
            | Action::Datagram { .. }
            | Action::Multicast { .. }
            | Action::Report(_) => {}
        }
    }

    /// What an event answers, as things are now.
    fn subject(&self, event: &OwnedEvent) -> Subject {
        let dialled = |conn: ConnId| match self.conns.get(&conn) {
            Some(to) if !conn.is_accepted() => Subject::Dialled(*to),
            _ => Subject::Nothing,
        };
        match event.lent() {
            Event::DiskDone { op, .. } => self
                .jobs
                .get(&op)
                .map_or(Subject::Nothing, |job| Subject::Job(Box::new(job.clone()))),
            Event::Resolved { op, .. } => self
                .names
                .get(&op)
                .map_or(Subject::Nothing, |name| Subject::Name(name.clone())),
            Event::Connected { conn }
            | Event::Received { conn, .. }
            | Event::Sent { conn, .. }
            | Event::Closed { conn, .. } => dialled(conn),
            Event::Accepted { .. }
            | Event::Tick
            | Event::Command(_)
            | Event::Datagram { .. }
            | Event::Multicast { .. }
            | Event::DatagramError { .. }
            | Event::NetworkChanged => Subject::Nothing,
        }
    }

    /// The event with the ids of here; none if what it answers is not there.
    fn repair(&mut self, step: &Step) -> Option<OwnedEvent> {
        Some(match step.event.clone() {
            OwnedEvent::Received(conn, data) => OwnedEvent::Received(self.conn(conn, step)?, data),
            other @ (OwnedEvent::Datagram(..) | OwnedEvent::Multicast(..)) => other,
            OwnedEvent::Other(event) => OwnedEvent::Other(self.repair_other(event, step)?),
        })
    }

    fn repair_other(&mut self, event: Event<'static>, step: &Step) -> Option<Event<'static>> {
        Some(match event {
            Event::DiskDone { op: _, result } => {
                let Subject::Job(wanted) = &step.subject else {
                    return None;
                };
                let (op, _) = self.jobs.iter().find(|(_, job)| *job == wanted.as_ref())?;
                Event::DiskDone { op: *op, result }
            }
            Event::Resolved { op: _, result } => {
                let Subject::Name(wanted) = &step.subject else {
                    return None;
                };
                let (op, _) = self.names.iter().find(|(_, name)| *name == wanted)?;
                Event::Resolved { op: *op, result }
            }
            Event::Connected { conn } => Event::Connected {
                conn: self.conn(conn, step)?,
            },
            Event::Sent { conn, bytes } => Event::Sent {
                conn: self.conn(conn, step)?,
                bytes,
            },
            Event::Closed { conn, cause } => Event::Closed {
                conn: self.conn(conn, step)?,
                cause,
            },
            other @ (Event::Accepted { .. }
            | Event::Tick
            | Event::Command(_)
            | Event::Received { .. }
            | Event::Datagram { .. }
            | Event::Multicast { .. }
            | Event::DatagramError { .. }
            | Event::NetworkChanged) => other,
        })
    }

    /// The connection that an event of the list means: one that was accepted, or the first to the address that is taken by
    /// no other.
    fn conn(&mut self, conn: ConnId, step: &Step) -> Option<ConnId> {
        if let Some(known) = self.here.get(&conn) {
            return self.conns.contains_key(known).then_some(*known);
        }
        let found = match &step.subject {
            Subject::Dialled(wanted) => {
                let taken: BTreeSet<ConnId> = self.here.values().copied().collect();
                let mut dialled = self.conns.iter();
                let free = |(id, to): &(&ConnId, &SocketAddr)| {
                    *to == wanted && !id.is_accepted() && !taken.contains(id)
                };
                *dialled.find(free)?.0
            }
            Subject::Nothing | Subject::Job(_) | Subject::Name(_) => {
                self.conns.contains_key(&conn).then_some(conn)?
            }
        };
        self.here.insert(conn, found);
        Some(found)
    }
}
