//! The network between actors: streams, datagrams, names, and what goes wrong with them.
//!
//! TCP is modelled at the level of streams: our side of it is the operating system's work, so a model of segments
//! would test nothing of ours. What an actor can see is here: delay, bandwidth, stalls, bounded buffers, and every way
//! in which a stream can end or fail to. All of it is data; nothing costs anything while it is not used.

mod bandwidth;
mod connect;
mod datagram;
mod dns;
mod fault;
mod host;
mod outage;
mod stream;
#[cfg(test)]
mod tests;
mod transfer;

pub use datagram::Burst;
pub use dns::{Dns, DnsAnswer};
pub use fault::BEHAVIOURS;
pub use host::Cutter;
pub use outage::Crash;
pub use stream::EndRef;

use crate::actor::Output;
use crate::scenario::LinkSpec;
use crate::seed::Seed;
use crate::world::{ActorId, Delivery, Occurrence, World};
use bandwidth::Flows;
use host::{Host, Path};
use outage::Outages;
use seedbed_engine::id::ConnId;
use seedbed_engine::time::{Duration, Instant};
use std::collections::BTreeMap;
use std::net::IpAddr;
use stream::{Phase, Stream};

/// Bytes that wait unread at an end of a stream, where its link says nothing else.
pub const RECEIVE_MAX: usize = crate::scenario::RECEIVE as usize;

/// Something that the network does of its own.
#[derive(Clone, Debug)]
pub enum NetEvent {
    /// A SYN leaves, for the n-th time.
    Syn(EndRef, u32),
    /// A SYN arrives.
    SynArrived(EndRef),
    /// The answer to a SYN arrives at who dialled.
    Answered(EndRef, Answer),
    /// Something on the wire arrives at this end.
    Arrive(EndRef),
    /// The actor gave a budget while bytes waited.
    Readable(EndRef),
    /// The actor is told of what it sent.
    Sent(EndRef),
    /// There is room again at the other end.
    Window(EndRef),
    /// The system sends again what was lost.
    Retry(EndRef),
    /// The transmission of some bytes is complete.
    Flow,
    /// A datagram arrives.
    Parcel(Box<datagram::Parcel>),
    /// A fault of this number changes by itself.
    Phase(u64),
    /// The actor comes back.
    Restart(ActorId),
}

/// How a host answers a SYN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It takes the connection.
    Accept,
    /// Nobody listens.
    Refuse,
    /// A router says that there is no way.
    Unreachable,
}

/// What becomes of packets to an address at which nobody is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Absent {
    /// Its host says that nobody listens.
    Refused,
    /// A router says that there is no such host.
    Unreachable,
    /// Nobody says anything.
    Silent,
}

/// Streams, datagrams, names.
#[derive(Clone, Debug)]
pub struct Net {
    seed: Seed,
    ends: BTreeMap<(ActorId, ConnId), EndRef>,
    streams: Vec<Stream>,
    free: Vec<u32>,
    opened: u32,
    hosts: Vec<Host>,
    paths: BTreeMap<(ActorId, ActorId), Path>,
    flows: Flows,
    outages: Outages,
    absent: BTreeMap<IpAddr, Absent>,
    /// Names.
    pub dns: Dns,
}

impl Net {
    /// Every way draws anew from now on. `names` are those of the actors.
    pub(crate) fn draw_anew(&mut self, seed: Seed, names: &[&str]) {
        self.seed = seed;
        for ((from, to), path) in &mut self.paths {
            let bad = path.bad;
            *path = Path::new(seed, names[from.0], names[to.0]);
            path.bad = bad;
        }
    }

    /// A network without anybody.
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            ends: BTreeMap::new(),
            streams: Vec::new(),
            free: Vec::new(),
            opened: 0,
            hosts: Vec::new(),
            paths: BTreeMap::new(),
            flows: Flows::default(),
            outages: Outages::default(),
            absent: BTreeMap::new(),
            dns: Dns::default(),
        }
    }

    /// Sets the access link of an actor; to be used before the world begins ([`World::set_link`] later).
    pub fn set_link(&mut self, id: ActorId, link: LinkSpec) {
        self.host(id).base.spec = link;
        self.refresh(id);
    }

    /// How bytes that arrive at an actor are cut into reads.
    pub fn set_cutter(&mut self, id: ActorId, cutter: Cutter) {
        self.host(id).base.cutter = cutter;
        self.refresh(id);
    }

    /// Bytes that wait unread at the actor's end of a stream, at the most (at least 1).
    pub fn set_receive_max(&mut self, id: ActorId, bytes: usize) {
        self.host(id).base.spec.receive = u32::try_from(bytes.max(1)).unwrap_or(u32::MAX);
        self.refresh(id);
    }

    /// Losses of datagrams come in bursts.
    pub fn set_burst(&mut self, id: ActorId, burst: Option<Burst>) {
        self.host(id).base.burst = burst;
        self.refresh(id);
    }

    /// Datagrams longer than this are dropped; without it they are fragmented.
    pub fn set_mtu(&mut self, id: ActorId, bytes: Option<usize>) {
        self.host(id).base.mtu = bytes;
        self.refresh(id);
    }

    /// Datagrams a second that the actor can send; the rest is dropped.
    pub fn set_datagram_rate(&mut self, id: ActorId, rate: Option<u32>) {
        self.host(id).base.datagrams = rate;
        self.refresh(id);
    }

    /// What becomes of packets to an address at which nobody is; refused, where nothing was set.
    pub fn set_absent(&mut self, ip: IpAddr, absent: Absent) {
        self.absent.insert(ip, absent);
    }

    /// The link of an actor, as faults leave it.
    pub fn link(&self, id: ActorId) -> LinkSpec {
        self.hosts
            .get(id.0)
            .map(|host| host.link.spec)
            .unwrap_or_default()
    }

    /// Whether this end of a stream is there.
    pub fn is_open(&self, id: ActorId, stream: ConnId) -> bool {
        self.ends.contains_key(&(id, stream))
    }

    /// How many streams an actor has, those included that are being opened.
    pub fn open_streams(&self, id: ActorId) -> usize {
        self.ends_of(id).count()
    }

    /// Bytes that the actor sent on this stream and that have not left.
    pub fn unsent(&self, id: ActorId, stream: ConnId) -> usize {
        let end = self.ends.get(&(id, stream));
        end.map_or(0, |at| {
            self.streams[at.slot as usize].ends[usize::from(at.side)].waiting
        })
    }

    fn ends_of(&self, id: ActorId) -> impl Iterator<Item = EndRef> + '_ {
        self.ends
            .range((id, ConnId::dialled(0))..)
            .take_while(move |((who, _), _)| *who == id)
            .map(|(_, at)| *at)
    }

    /// An actor joins.
    pub(crate) fn join(&mut self, id: ActorId) {
        self.host(id);
    }

    fn host(&mut self, id: ActorId) -> &mut Host {
        if self.hosts.len() <= id.0 {
            self.hosts.resize_with(id.0 + 1, Host::default);
        }
        &mut self.hosts[id.0]
    }

    fn stream(&mut self, at: EndRef) -> Option<&mut Stream> {
        self.streams
            .get_mut(at.slot as usize)
            .filter(|stream| stream.serial == at.serial)
    }

    fn end(&mut self, at: EndRef) -> Option<&mut stream::End> {
        self.stream(at)
            .map(|stream| &mut stream.ends[usize::from(at.side)])
    }

    /// A place for a stream.
    fn open(&mut self, make: impl FnOnce(u32) -> Stream) -> EndRef {
        self.opened += 1;
        let stream = make(self.opened);
        let slot = match self.free.pop() {
            Some(slot) => {
                self.streams[slot as usize] = stream;
                slot
            }
            None => {
                self.streams.push(stream);
                self.streams.len() as u32 - 1
            }
        };
        EndRef {
            slot,
            serial: self.opened,
            side: 0,
        }
    }

    /// Frees the place of a stream of which nothing is left.
    fn tidy(&mut self, at: EndRef) {
        if let Some(stream) = self.stream(at)
            && stream.is_over()
        {
            stream.serial = 0;
            for end in &mut stream.ends {
                end.drop_unsent();
                end.drop_unread();
            }
            self.free.push(at.slot);
        }
    }

    /// Nobody is at this end any more: its actor hears nothing more of it.
    fn leave(&mut self, at: EndRef, phase: Phase) {
        let Some(end) = self.end(at) else { return };
        let key = (end.who, end.id);
        end.phase = phase;
        end.drop_unread();
        if phase == Phase::Gone {
            end.drop_unsent();
            end.fin = false;
            end.stalled = None;
            end.flowing = false;
            self.flows.remove(at);
        }
        if self.ends.get(&key) == Some(&at) {
            self.ends.remove(&key);
        }
    }
}

impl World {
    pub(crate) fn net_event(&mut self, event: NetEvent) {
        match event {
            NetEvent::Syn(at, tries) => self.syn(at, tries),
            NetEvent::SynArrived(at) => self.syn_arrived(at),
            NetEvent::Answered(at, answer) => self.syn_answered(at, answer),
            NetEvent::Arrive(at) => self.arrive(at),
            NetEvent::Readable(at) => self.read_end(at),
            NetEvent::Sent(at) => self.tell_sent(at),
            NetEvent::Window(at) => {
                if let Some(end) = self.net.end(at) {
                    end.starved = false;
                    self.pump(at);
                }
            }
            NetEvent::Retry(at) => self.retry(at),
            NetEvent::Flow => self.flows_advance(),
            NetEvent::Parcel(parcel) => self.parcel_arrived(*parcel),
            NetEvent::Phase(serial) => self.fault_phase(serial),
            NetEvent::Restart(id) => self.come_back(id),
        }
    }

    pub(crate) fn carry_out(&mut self, id: ActorId, output: Output) {
        match output {
            Output::Connect { stream, to } => self.connect(id, stream, to),
            Output::Send { stream, data } => {
                if let Some(at) = self.net.ends.get(&(id, stream)).copied()
                    && let Some(end) = self.net.end(at).filter(|end| !end.fin)
                {
                    end.queue(data);
                    self.pump(at);
                }
            }
            Output::Read { stream, budget } => {
                if let Some(at) = self.net.ends.get(&(id, stream)).copied()
                    && let Some(end) = self.net.end(at)
                {
                    end.budget = end.budget.saturating_add(budget);
                    self.look(at);
                }
            }
            Output::Hold { stream } => {
                if let Some(at) = self.net.ends.get(&(id, stream)).copied()
                    && let Some(end) = self.net.end(at)
                {
                    end.budget = 0;
                }
            }
            Output::Shutdown { stream } => {
                if let Some(at) = self.net.ends.get(&(id, stream)).copied()
                    && let Some(end) = self.net.end(at)
                {
                    end.fin = true;
                    self.pump(at);
                }
            }
            Output::Close { stream } => {
                if let Some(at) = self.net.ends.get(&(id, stream)).copied() {
                    self.close(at);
                }
            }
            Output::Reset { stream } => {
                if let Some(at) = self.net.ends.get(&(id, stream)).copied() {
                    self.reset(at);
                }
            }
            Output::Datagram { to, from, data } => self.send_datagram(id, to, from, data),
            Output::Refuse { whom, asked } => self.refuse_datagram(id, whom, asked),
            Output::Resolve { lookup, host } => {
                if let Some((delay, result)) = self.net.dns.look_up(&host) {
                    let delivery = Delivery::Resolved(lookup, result);
                    self.push(delay, Occurrence::Deliver(id, delivery));
                }
            }
        }
    }

    /// The randomness of the way from one actor to another.
    fn path(&mut self, from: ActorId, to: ActorId) -> &mut Path {
        let Self { net, actors, .. } = self;
        net.paths
            .entry((from, to))
            .or_insert_with(|| Path::new(net.seed, &actors[from.0].name, &actors[to.0].name))
    }

    /// How long something takes from one actor to another, drawn anew.
    fn delay(&mut self, from: ActorId, to: ActorId) -> Duration {
        let (near, far) = (&self.net.host_of(from).link.spec, &self.net.host_of(to).link.spec);
        let delay = near.latency + far.latency;
        if near.jitter.is_zero() && far.jitter.is_zero() {
            return delay;
        }
        let (near, far) = (near.jitter, far.jitter);
        let path = self.path(from, to);
        delay + path.jitter(near) + path.jitter(far)
    }

    fn push_net(&mut self, at: Instant, event: NetEvent) {
        self.queue.push(at, Occurrence::Net(event));
    }
}
