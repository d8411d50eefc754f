//! Between the engine and the rest: events go in, actions come out and are carried out, in their order.
//!
//! Everything here runs on one thread; tasks call [`Driver::event`] straight from their wake-up. The engine is
//! borrowed only within a call of this module, never across a point where a task waits.

use crate::Observer;
use crate::clock::Clock;
use crate::dns::Dns;
use crate::multicast::Multicast;
use crate::record::Recorder;
use crate::sockets::Sockets;
use crate::storage::Storage;
use crate::tcp::{self, Conn};
use crate::tls::Tls;
use crate::udp::Udp;
use seedbed_engine::id::ConnId;
use seedbed_engine::net::CloseCause;
use seedbed_engine::time::Instant;
use seedbed_engine::{Action, Command, Engine, Event, Report};
use smol::{LocalExecutor, Task};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

/// Bytes that one read may bring: large, so that reads are few, and still within the second-level cache.
const READ_BUFFER: usize = 256 * 1024;

/// Wakes the client's thread from any thread.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    waker: Mutex<Option<Waker>>,
}

impl Alarm {
    /// Whom to wake.
    pub(crate) fn set(&self, waker: &Waker) {
        let mut current = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        if !current.as_ref().is_some_and(|current| current.will_wake(waker)) {
            *current = Some(waker.clone());
        }
    }

    /// Wakes.
    pub(crate) fn ring(&self) {
        if let Some(waker) = &*self.waker.lock().unwrap_or_else(PoisonError::into_inner) {
            waker.wake_by_ref();
        }
    }
}

/// The engine and what it works on.
pub(crate) struct Core {
    pub(crate) engine: Engine,
    pub(crate) observer: Option<Box<dyn Observer>>,
    pub(crate) recorder: Option<Recorder>,
    pub(crate) reports: VecDeque<Report>,
    conns: HashMap<ConnId, Rc<Conn>>,
    /// Events that actions brought about at once; handled when all actions are carried out.
    follow_ups: VecDeque<Event<'static>>,
    storage: Storage,
    dns: Dns,
    udp: Udp,
    /// Empty where local service discovery is off.
    multicast: Multicast,
    accepted: u64,
}

/// What tasks hold on to.
pub(crate) struct Driver {
    pub(crate) core: RefCell<Core>,
    pub(crate) sockets: Sockets,
    pub(crate) tls: Tls,
    pub(crate) clock: Clock,
    /// Lent to the engine; only used between two points where a task waits.
    pub(crate) read_buffer: RefCell<Vec<u8>>,
    pub(crate) alarm: Arc<Alarm>,
    /// When the client's own loop wakes up by itself.
    pub(crate) wakes_at: Cell<Instant>,
    /// Owned by the client: its tasks own this.
    executor: Weak<LocalExecutor<'static>>,
}

/// The parts of a [`Driver`].
pub(crate) struct Parts {
    pub(crate) engine: Engine,
    pub(crate) sockets: Sockets,
    pub(crate) tls: Tls,
    pub(crate) storage: Storage,
    pub(crate) dns: Dns,
    pub(crate) udp: Udp,
    pub(crate) clock: Clock,
    pub(crate) alarm: Arc<Alarm>,
}

impl Driver {
    pub(crate) fn new(parts: Parts, executor: &Rc<LocalExecutor<'static>>) -> Rc<Self> {
        let core = Core {
            engine: parts.engine,
            observer: None,
            recorder: None,
            reports: VecDeque::new(),
            conns: HashMap::new(),
            follow_ups: VecDeque::new(),
            storage: parts.storage,
            dns: parts.dns,
            udp: parts.udp,
            multicast: Multicast::default(),
            accepted: 0,
        };
        Rc::new(Self {
            core: RefCell::new(core),
            sockets: parts.sockets,
            tls: parts.tls,
            clock: parts.clock,
            read_buffer: RefCell::new(vec![0; READ_BUFFER]),
            alarm: parts.alarm,
            wakes_at: Cell::new(Instant::FAR_FUTURE),
            executor: Rc::downgrade(executor),
        })
    }

    /// Starts a task.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + 'static) -> Task<()> {
        match self.executor.upgrade() {
            Some(executor) => executor.spawn(task),
            // The client is being dropped: nothing runs any more.
            None => LocalExecutor::new().spawn(async {}),
        }
    }

    /// Tells the engine, carries out what it wants.
    pub(crate) fn event(self: &Rc<Self>, event: Event<'_>) {
        let mut core = self.core.borrow_mut();
        self.handle(&mut core, event);
        self.settle(&mut core);
    }

    /// Listens to the local network from now on, or anew where it is another one.
    pub(crate) fn join_multicast(self: &Rc<Self>) {
        let joined = Multicast::join(self);
        self.core.borrow_mut().multicast = joined;
    }

    /// Knows of a connection that a test made.
    #[cfg(test)]
    pub(crate) fn adopt(&self, conn: &Rc<Conn>) {
        self.core.borrow_mut().conns.insert(conn.id, Rc::clone(conn));
    }

    /// A connection ended by itself.
    pub(crate) fn closed(self: &Rc<Self>, conn: ConnId, cause: CloseCause) {
        // Not if the engine closed it meanwhile: it does not want to hear of it.
        if self.core.borrow_mut().conns.remove(&conn).is_some() {
            self.event(Event::Closed { conn, cause });
        }
    }

    /// Somebody dialled us.
    pub(crate) fn accepted(self: &Rc<Self>, stream: tcp::Stream, from: SocketAddr) {
        let id = {
            let mut core = self.core.borrow_mut();
            core.accepted += 1;
            let conn = Conn::new(ConnId::accepted(core.accepted));
            core.conns.insert(conn.id, Rc::clone(&conn));
            let id = conn.id;
            self.spawn(tcp::serve(Rc::clone(self), conn, stream)).detach();
            id
        };
        self.event(Event::Accepted { conn: id, from });
    }

    /// Takes what other threads have done, and tells the engine the time if it is due.
    pub(crate) fn catch_up(self: &Rc<Self>) {
        let mut core = self.core.borrow_mut();
        core.storage.collect();
        for (op, result) in core.dns.collect() {
            core.follow_ups.push_back(Event::Resolved { op, result });
        }
        self.settle(&mut core);
        let now = self.clock.now();
        if core.engine.deadline().is_some_and(|(at, _)| at <= now) {
            self.handle(&mut core, Event::Tick);
            self.settle(&mut core);
        }
    }

    /// Hands a command on.
    pub(crate) fn command(self: &Rc<Self>, command: Command) {
        self.event(Event::Command(command));
    }

    /// Handles everything that follows from the actions carried out.
    fn settle(self: &Rc<Self>, core: &mut Core) {
        loop {
            if let Some((op, result)) = core.storage.poll_answer() {
                self.handle(core, Event::DiskDone { op, result });
            } else if let Some(event) = core.follow_ups.pop_front() {
                self.handle(core, event);
            } else {
                break;
            }
        }
        let earlier = core
            .engine
            .deadline()
            .is_some_and(|(at, _)| at < self.wakes_at.get());
        if earlier || !core.reports.is_empty() {
            self.alarm.ring();
        }
    }

    fn handle(self: &Rc<Self>, core: &mut Core, event: Event<'_>) {
        let now = self.clock.now();
        if core.observer.is_none() && core.recorder.is_none() {
            core.engine.handle(now, event);
        } else {
            if let Some(recorder) = &mut core.recorder {
                recorder.before(now, &core.engine);
            }
            core.engine.handle(now, event.clone());
            if let Some(recorder) = &mut core.recorder {
                recorder.event(now, &event, &core.engine);
            }
            if let Some(observer) = &mut core.observer {
                observer.event(now, &event, &core.engine);
            }
        }
        while let Some(action) = core.engine.poll_action() {
            if let Some(recorder) = &mut core.recorder {
                recorder.action(&action);
            }
            if let Some(observer) = &mut core.observer {
                observer.action(now, &action);
            }
            self.perform(core, now, action);
        }
    }

    fn perform(self: &Rc<Self>, core: &mut Core, now: Instant, action: Action) {
        match action {
            Action::Connect { conn, to, tls } => {
                let conn = Conn::new(conn);
                core.conns.insert(conn.id, Rc::clone(&conn));
                self.spawn(tcp::dial(Rc::clone(self), conn, to, tls)).detach();
            }
            Action::Send { conn, head, body } => {
                if let Some(conn) = core.conns.get(&conn) {
                    conn.send(head, body);
                }
            }
            Action::Read { conn, budget } => {
                if let Some(conn) = core.conns.get(&conn) {
                    conn.allow(budget);
                }
            }
            Action::Hold { conn } => {
                if let Some(conn) = core.conns.get(&conn) {
                    conn.hold();
                }
            }
            Action::Close { conn, reason } => {
                if let Some(conn) = core.conns.remove(&conn) {
                    tracing::debug!(conn = %conn.id, %reason, "close");
                    if reason.drops_unsent() {
                        conn.forget_unsent();
                    }
                    conn.close();
                }
            }
            Action::Datagram { to, data } => {
                if let Err(fault) = core.udp.send(self, now, to, &data) {
                    core.follow_ups.push_back(Event::DatagramError { to, fault });
                }
            }
            Action::Multicast { group, data } => core.multicast.send(group, &data),
            Action::Resolve { op, host } => core.dns.resolve(op, host),
            Action::Disk { op, torrent, job } => core.storage.submit(op, torrent, job),
            Action::Report(report) => core.reports.push_back(report),
        }
    }
}
