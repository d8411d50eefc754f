//! A world: actors, the network between them, and what will happen next.
//!
//! One thing happens at a time, in the total order of the [`Queue`]. Nothing depends on a clock, a thread or the order
//! of a hash; a world is plain data, so a clone goes on exactly as the original does.

use crate::actor::{Actor, Cx, Input};
use crate::marks::Marks;
use crate::net::Net;
use crate::queue::Queue;
use crate::seed::Seed;
use crate::timeline::Line;
use seedbed_engine::id::ConnId;
use seedbed_engine::net::{CloseCause, DatagramFault, LookupError};
use seedbed_engine::time::{Duration, Instant};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// An actor's place in the world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ActorId(pub usize);

/// Something that reaches an actor later.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// See [`Input::Start`].
    Start,
    /// See [`Input::Accepted`].
    Accepted(ConnId, SocketAddr),
    /// See [`Input::Connected`].
    Connected(ConnId),
    /// Look whether bytes can be delivered on this stream.
    Readable(ConnId),
    /// See [`Input::Sent`].
    Sent(ConnId, u64),
    /// See [`Input::Closed`].
    Closed(ConnId, CloseCause),
    /// See [`Input::Datagram`].
    Datagram(SocketAddr, Vec<u8>),
    /// See [`Input::DatagramError`].
    DatagramError(SocketAddr, DatagramFault),
    /// See [`Input::Resolved`].
    Resolved(u64, Result<Vec<IpAddr>, LookupError>),
    /// See [`Input::NetworkChanged`].
    NetworkChanged,
}

/// What waits in the queue.
#[derive(Clone, Debug)]
pub enum Occurrence {
    /// Something reaches an actor.
    Deliver(ActorId, Delivery),
    /// An actor's deadline, as it was registered; it may have moved since.
    Tick(ActorId),
    /// The network does something of its own.
    Net(crate::net::NetEvent),
    /// The n-th fault of the schedule begins (true) or ends.
    Fault(usize, bool),
}

/// An actor with what the world keeps of it.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Its name, unique in the world.
    pub name: String,
    /// Its address.
    pub ip: IpAddr,
    /// Another one, of the other family.
    pub other_ip: Option<IpAddr>,
    /// The machine.
    pub actor: Box<dyn Actor>,
    /// Whether it runs: a crashed one gets no input.
    pub up: bool,
    /// Whether it was started: an outage that ends before its time has come starts it as well.
    begun: bool,
    /// For when its tick is in the queue.
    tick: Option<Instant>,
}

/// The world.
#[derive(Clone, Debug)]
pub struct World {
    /// The time.
    pub now: Instant,
    /// The root of its randomness.
    pub seed: Seed,
    /// The participants.
    pub actors: Vec<Slot>,
    /// Streams, datagrams, names.
    pub net: Net,
    /// What fired.
    pub marks: Marks,
    /// What happened.
    pub lines: Vec<Line>,
    /// Whether lines are kept.
    pub telling: bool,
    /// Steps so far.
    pub steps: u64,
    /// What will happen.
    pub queue: Queue<Occurrence>,
}

impl World {
    /// An empty world.
    pub fn new(seed: Seed) -> Self {
        Self {
            now: Instant::START,
            seed,
            actors: Vec::new(),
            net: Net::new(seed),
            marks: Marks::default(),
            lines: Vec::new(),
            telling: false,
            steps: 0,
            queue: Queue::new(None),
        }
    }

    /// Puts an actor into the world; it starts `after` the beginning.
    pub fn add(&mut self, name: &str, ip: IpAddr, actor: Box<dyn Actor>, after: Duration) -> ActorId {
        let id = ActorId(self.actors.len());
        self.actors.push(Slot {
            name: name.into(),
            ip,
            other_ip: None,
            actor,
            up: true,
            begun: false,
            tick: None,
        });
        self.net.join(id);
        self.push(after, Occurrence::Deliver(id, Delivery::Start));
        id
    }

    /// The actor of this name.
    pub fn find(&self, name: &str) -> Option<ActorId> {
        self.actors.iter().position(|slot| slot.name == name).map(ActorId)
    }

    /// The actor at this address.
    pub fn at(&self, ip: IpAddr) -> Option<ActorId> {
        let has = |slot: &Slot| slot.ip == ip || slot.other_ip == Some(ip);
        self.actors.iter().position(has).map(ActorId)
    }

    /// From which of its addresses an actor speaks to this one: none without one of that family.
    pub fn own_ip(&self, id: ActorId, to: IpAddr) -> Option<IpAddr> {
        let slot = self.actors.get(id.0)?;
        let mut own = core::iter::once(slot.ip).chain(slot.other_ip);
        own.find(|ip| ip.is_ipv4() == to.is_ipv4())
    }

    /// Puts an actor with all its addresses into the world; it starts `after` the beginning.
    pub fn add_at(&mut self, name: &str, ips: &[IpAddr], actor: Box<dyn Actor>, after: Duration) -> ActorId {
        let first = ips.first().copied().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let id = self.add(name, first, actor, after);
        self.actors[id.0].other_ip = ips.get(1).copied();
        id
    }

    /// An actor as what it is.
    pub fn actor<T: 'static>(&self, id: ActorId) -> Option<&T> {
        self.actors.get(id.0)?.actor.as_any().downcast_ref()
    }

    /// An actor as what it is, to do something to it.
    pub fn actor_mut<T: 'static>(&mut self, id: ActorId) -> Option<&mut T> {
        self.actors.get_mut(id.0)?.actor.as_any_mut().downcast_mut()
    }

    /// What happens from now on is drawn anew: delays, losses, what behaviours and disks leave to chance, and the order of
    /// what is asked for at one time. What an engine itself draws stays as it is.
    pub fn draw_anew(&mut self, seed: Seed) {
        self.seed = seed;
        self.queue.shuffle(seed.0);
        let names: Vec<&str> = self.actors.iter().map(|slot| slot.name.as_str()).collect();
        self.net.draw_anew(seed, &names);
        for slot in &mut self.actors {
            slot.actor.draw_anew(seed);
        }
    }

    /// Something happens later.
    pub fn push(&mut self, after: Duration, what: Occurrence) {
        self.queue.push(self.now + after, what);
    }

    /// Lets the next thing happen. False when nothing will.
    pub fn step(&mut self) -> bool {
        let Some((at, what)) = self.queue.pop() else {
            return false;
        };
        self.now = self.now.max(at);
        self.steps += 1;
        match what {
            Occurrence::Deliver(id, delivery) => self.deliver(id, delivery),
            Occurrence::Tick(id) => self.tick(id, at),
            Occurrence::Net(event) => self.net_event(event),
            // faults are carried out by whoever runs the schedule
            Occurrence::Fault(..) => {}
        }
        true
    }

    /// Steps until `done` or until nothing happens before `limit`. True when it is done.
    pub fn run_until(&mut self, limit: Instant, mut done: impl FnMut(&Self) -> bool) -> bool {
        while !done(self) {
            if self.queue.next_at().is_none_or(|at| at > limit) {
                self.now = self.now.max(limit);
                return false;
            }
            self.step();
        }
        true
    }

    fn tick(&mut self, id: ActorId, at: Instant) {
        let slot = &mut self.actors[id.0];
        // an earlier one was registered since: this one is nobody's, and must not be registered again
        if slot.tick != Some(at) {
            return;
        }
        slot.tick = None;
        match slot.actor.deadline() {
            Some(at) if at <= self.now && slot.up => {
                self.give(id, Input::Tick);
                let next = self.actors[id.0].actor.deadline();
                assert!(
                    next.is_none_or(|next| next > self.now),
                    "the deadline of {} stays at {next:?} after its tick at {}",
                    self.actors[id.0].name,
                    self.now
                );
            }
            _ => self.register(id),
        }
    }

    /// Sees to it that the actor's deadline is in the queue.
    fn register(&mut self, id: ActorId) {
        let slot = &mut self.actors[id.0];
        let Some(at) = slot.actor.deadline().filter(|_| slot.up) else {
            return;
        };
        let at = at.max(self.now);
        if slot.tick.is_none_or(|registered| at < registered) {
            slot.tick = Some(at);
            self.queue.push(at, Occurrence::Tick(id));
        }
    }

    /// Starts an actor whose time has come, unless it was started before.
    fn start(&mut self, id: ActorId) {
        let slot = &mut self.actors[id.0];
        if slot.up && !std::mem::replace(&mut slot.begun, true) {
            self.give(id, Input::Start);
        }
    }

    /// One that comes back is started, for the first time or again.
    pub(crate) fn start_again(&mut self, id: ActorId) {
        self.actors[id.0].begun = true;
        self.give(id, Input::Start);
    }

    fn deliver(&mut self, id: ActorId, delivery: Delivery) {
        match delivery {
            Delivery::Start => self.start(id),
            Delivery::Accepted(stream, from) => self.give(id, Input::Accepted { stream, from }),
            Delivery::Connected(stream) => {
                if self.net.is_open(id, stream) {
                    self.give(id, Input::Connected { stream });
                }
            }
            Delivery::Readable(stream) => self.read(id, stream),
            Delivery::Sent(stream, bytes) => {
                if self.net.is_open(id, stream) {
                    self.give(id, Input::Sent { stream, bytes });
                }
            }
            Delivery::Closed(stream, cause) => {
                if self.forget(id, stream) {
                    self.give(id, Input::Closed { stream, cause });
                }
            }
            Delivery::Datagram(from, data) => self.give(id, Input::Datagram { from, data: &data }),
            Delivery::DatagramError(to, fault) => self.give(id, Input::DatagramError { to, fault }),
            Delivery::Resolved(lookup, result) => self.give(id, Input::Resolved { lookup, result }),
            Delivery::NetworkChanged => self.give(id, Input::NetworkChanged),
        }
    }

    /// Gives an input to an actor and carries out what it wants.
    pub fn give(&mut self, id: ActorId, input: Input<'_>) {
        let Some(slot) = self.actors.get_mut(id.0).filter(|slot| slot.up) else {
            return;
        };
        let mut out = Vec::new();
        let mut lines = Vec::new();
        let mut cx = Cx {
            now: self.now,
            ip: slot.ip,
            out: &mut out,
            marks: &mut self.marks,
            lines: &mut lines,
        };
        slot.actor.handle(&mut cx, input);
        if self.telling {
            self.lines.append(&mut lines);
        }
        for output in out {
            self.carry_out(id, output);
        }
        self.register(id);
    }
}
