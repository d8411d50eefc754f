//! The network between actors: streams, datagrams, names. So far a perfect one, with a latency.

mod dns;
mod fault;

pub use dns::{Dns, DnsAnswer};
pub use fault::{BEHAVIOURS, Crash};

use crate::actor::Output;
use crate::scenario::LinkSpec;
use crate::seed::Seed;
use crate::world::{ActorId, Delivery, Occurrence, World};
use seedbed_engine::id::ConnId;
use seedbed_engine::net::{CloseCause, DatagramFault};
use seedbed_engine::time::Duration;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// How long everything takes on its way.
const LATENCY: Duration = Duration::from_millis(10);

/// Something that the network does of its own.
#[derive(Clone, Copy, Debug)]
pub enum NetEvent {}

/// How arrived bytes are cut into reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Cutter {
    /// All that has arrived, as far as the budget goes.
    #[default]
    Whole,
    /// A byte at a time.
    One,
    /// Between one byte and all, drawn.
    Random,
    /// At most 1,460 bytes: what fits into a segment on Ethernet.
    Mss,
    /// Bytes wait for their successors up to 20 ms and come in reads of up to 64 KiB.
    Coalesced,
}

/// One end of a stream.
#[derive(Clone, Debug)]
struct End {
    /// The other end.
    other: (ActorId, ConnId),
    arrived: Vec<u8>,
    budget: u64,
    /// How the stream ends behind what has arrived.
    end: Option<CloseCause>,
}

/// Streams, datagrams, names.
#[derive(Clone, Debug)]
pub struct Net {
    #[allow(dead_code)]
    seed: Seed,
    ends: BTreeMap<(ActorId, ConnId), End>,
    accepted: u64,
    links: BTreeMap<ActorId, (LinkSpec, Cutter)>,
    /// Names.
    pub dns: Dns,
}

impl Net {
    /// The access link of an actor.
    pub fn set_link(&mut self, id: ActorId, link: LinkSpec) {
        self.links.entry(id).or_default().0 = link;
    }

    /// How bytes that arrive at an actor are cut into reads.
    pub fn set_cutter(&mut self, id: ActorId, cutter: Cutter) {
        self.links.entry(id).or_default().1 = cutter;
    }

    /// A network without anybody.
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            ends: BTreeMap::new(),
            accepted: 0,
            links: BTreeMap::new(),
            dns: Dns::default(),
        }
    }

    /// Whether this end of a stream is there.
    pub fn is_open(&self, id: ActorId, stream: ConnId) -> bool {
        self.ends.contains_key(&(id, stream))
    }

    /// Forgets an end of a stream; false when it was not there.
    pub fn forget(&mut self, id: ActorId, stream: ConnId) -> bool {
        self.ends.remove(&(id, stream)).is_some()
    }

    /// The next bytes that have arrived and may be delivered.
    pub fn take_arrived(&mut self, id: ActorId, stream: ConnId) -> Option<Vec<u8>> {
        let end = self.ends.get_mut(&(id, stream))?;
        let count = usize::try_from(end.budget)
            .unwrap_or(usize::MAX)
            .min(end.arrived.len());
        if count == 0 {
            return None;
        }
        end.budget -= count as u64;
        Some(end.arrived.drain(..count).collect())
    }

    /// How the stream ended, once all that had arrived was delivered.
    pub fn take_end(&mut self, id: ActorId, stream: ConnId) -> Option<CloseCause> {
        let end = self
            .ends
            .get_mut(&(id, stream))
            .filter(|end| end.arrived.is_empty())?;
        end.end.take()
    }
}

impl World {
    pub(crate) fn net_event(&mut self, event: NetEvent) {
        match event {}
    }

    pub(crate) fn carry_out(&mut self, id: ActorId, output: Output) {
        match output {
            Output::Connect { stream, to } => self.connect(id, stream, to),
            Output::Send { stream, data } => {
                let Some((there, theirs)) = self.net.ends.get(&(id, stream)).map(|end| end.other) else {
                    return;
                };
                let sent = data.len() as u64;
                if let Some(end) = self.net.ends.get_mut(&(there, theirs)) {
                    end.arrived.extend_from_slice(&data);
                    self.push(LATENCY, Occurrence::Deliver(there, Delivery::Readable(theirs)));
                }
                self.push(
                    Duration::ZERO,
                    Occurrence::Deliver(id, Delivery::Sent(stream, sent)),
                );
            }
            Output::Read { stream, budget } => {
                if let Some(end) = self.net.ends.get_mut(&(id, stream)) {
                    end.budget += budget;
                    self.push(
                        Duration::ZERO,
                        Occurrence::Deliver(id, Delivery::Readable(stream)),
                    );
                }
            }
            Output::Close { stream } => self.end(id, stream, CloseCause::Eof),
            Output::Reset { stream } => self.end(id, stream, CloseCause::Reset),
            Output::Datagram { to, from, data } => {
                let slot = &self.actors[id.0];
                let from = from.unwrap_or(SocketAddr::new(slot.ip, slot.actor.port().unwrap_or(1)));
                match self.at(to.ip()) {
                    Some(there) => {
                        self.push(
                            LATENCY,
                            Occurrence::Deliver(there, Delivery::Datagram(from, data)),
                        );
                    }
                    None => {
                        let delivery = Delivery::DatagramError(to, DatagramFault::Refused);
                        self.push(LATENCY * 2, Occurrence::Deliver(id, delivery));
                    }
                }
            }
            Output::Refuse { whom, asked } => {
                if let Some(there) = self.at(whom.ip()) {
                    let delivery = Delivery::DatagramError(asked, DatagramFault::Refused);
                    self.push(LATENCY, Occurrence::Deliver(there, delivery));
                }
            }
            Output::Resolve { lookup, host } => {
                if let Some((delay, result)) = self.net.dns.look_up(&host) {
                    self.push(delay, Occurrence::Deliver(id, Delivery::Resolved(lookup, result)));
                }
            }
        }
    }

    fn connect(&mut self, id: ActorId, stream: ConnId, to: SocketAddr) {
        let there = self
            .at(to.ip())
            .filter(|there| self.actors[there.0].actor.port() == Some(to.port()));
        let mine = End {
            other: (id, stream),
            arrived: Vec::new(),
            budget: 0,
            end: None,
        };
        let Some(there) = there else {
            self.net.ends.insert((id, stream), mine);
            let delivery = Delivery::Closed(stream, CloseCause::Refused);
            self.push(LATENCY * 2, Occurrence::Deliver(id, delivery));
            return;
        };
        self.net.accepted += 1;
        let theirs = ConnId::accepted(self.net.accepted);
        self.net.ends.insert(
            (id, stream),
            End {
                other: (there, theirs),
                ..mine.clone()
            },
        );
        self.net.ends.insert((there, theirs), mine);
        let from = SocketAddr::new(self.actors[id.0].ip, 50_000);
        self.push(
            LATENCY,
            Occurrence::Deliver(there, Delivery::Accepted(theirs, from)),
        );
        self.push(LATENCY * 2, Occurrence::Deliver(id, Delivery::Connected(stream)));
    }

    fn end(&mut self, id: ActorId, stream: ConnId, cause: CloseCause) {
        let Some(end) = self.net.ends.remove(&(id, stream)) else {
            return;
        };
        let (there, theirs) = end.other;
        if let Some(other) = self.net.ends.get_mut(&(there, theirs)) {
            other.end = Some(cause);
            self.push(LATENCY, Occurrence::Deliver(there, Delivery::Readable(theirs)));
        }
    }
}
