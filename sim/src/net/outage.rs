//! Faults that last: which of them hold now, and what they do to the way between two actors.
//!
//! While none holds, every question here is answered by one comparison.

use crate::net::datagram::Parcel;
use crate::net::stream::{EndRef, Phase};
use crate::net::{Answer, Cutter, Net, NetEvent};
use crate::scenario::FaultSpec;
use crate::world::{ActorId, World};
use seedbed_engine::net::DatagramFault;
use seedbed_engine::time::Duration;

/// How an actor goes down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Crash {
    /// As by a power cut: nobody is told; a stream's other end finds out when it sends.
    Silent,
    /// As by a killed process: its system resets the streams.
    Reset,
}

/// What a fault does for as long as it lasts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Nothing gets through between the targets and the others, or between two.
    Partition,
    /// Nothing reaches the first target (from the second).
    OneWay,
    /// Nothing leaves the first target.
    OneWayOut,
    /// A partition that comes and goes.
    Flap { period: Duration, open: bool },
    /// All that arrives waits until the end.
    Clog,
    /// SYNs are not answered.
    Blackhole,
    /// Nobody listens.
    Refuse,
    /// A router says that there is no way.
    Unreachable,
    /// The target has no network, and its system knows it.
    NetworkDown,
    /// Streams are reset as soon as they are established.
    CutConnects { left: u32 },
    /// Streams are reset once the target has sent so many bytes.
    ResetAfter { bytes: u64, left: u32 },
    /// The link is this much slower.
    Slow { rate: u64, latency: Duration },
    /// Thousandths of datagrams lost, doubled, overtaken, damaged.
    Accidents {
        loss: u32,
        duplicate: u32,
        reorder: u32,
        corrupt: u32,
    },
    /// Losses in bursts.
    Bursts(crate::net::Burst),
    /// Datagrams longer than this are dropped.
    Mtu(usize),
    /// Datagrams a second.
    Rate(u32),
    /// Reads are cut.
    Reads(Cutter),
    /// The targets go down and come back again and again.
    Churn {
        up: Duration,
        down: Duration,
        how: Crash,
        running: bool,
    },
    /// The targets are down.
    Down(Crash),
}

/// A fault that holds.
#[derive(Clone, Debug)]
pub(super) struct Active {
    pub(super) serial: u64,
    pub(super) spec: FaultSpec,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) targets: Vec<ActorId>,
}

impl Active {
    /// Whether something from here to there passes what this fault hits.
    fn covers(&self, from: ActorId, to: ActorId) -> bool {
        if from == to {
            // what an actor sends itself passes no link
            return false;
        }
        match (self.kind, self.targets.as_slice()) {
            (Kind::OneWay, [a]) => to == *a,
            (Kind::OneWay, [a, b]) => (to, from) == (*a, *b),
            (Kind::OneWayOut, [a]) => from == *a,
            (Kind::OneWayOut, [a, b]) => (from, to) == (*a, *b),
            (_, []) => true,
            (_, [a]) => from == *a || to == *a,
            (_, [a, b]) => (from, to) == (*a, *b) || (from, to) == (*b, *a),
            // a group against everybody else
            (Kind::Partition | Kind::Flap { .. } | Kind::OneWay | Kind::OneWayOut, group) => {
                group.contains(&from) != group.contains(&to)
            }
            (_, group) => group.contains(&from) || group.contains(&to),
        }
    }

    /// Whether this fault hits the actor itself.
    pub(super) fn hits(&self, id: ActorId) -> bool {
        self.targets.is_empty() || self.targets.contains(&id)
    }
}

/// The faults that hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Outages {
    pub(super) list: Vec<Active>,
    pub(super) begun: u64,
    /// Datagrams that arrived while their way was clogged.
    pub(super) held: Vec<Parcel>,
}

impl Outages {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn name(&self, test: impl Fn(&Active) -> bool) -> Option<&'static str> {
        self.list
            .iter()
            .find(|active| test(active))
            .map(|active| active.name)
    }
}

impl Net {
    pub(super) fn host_of(&self, id: ActorId) -> &super::host::Host {
        &self.hosts[id.0]
    }

    /// Works out an actor's link as faults leave it.
    pub(super) fn refresh(&mut self, id: ActorId) {
        let mut link = self.host(id).base.clone();
        for active in self.outages.list.iter().filter(|active| active.hits(id)) {
            match active.kind {
                Kind::Slow { rate, latency } => {
                    let least = |old: u64| if old == 0 { rate } else { old.min(rate) };
                    if rate != 0 {
                        (link.spec.up, link.spec.down) = (least(link.spec.up), least(link.spec.down));
                    }
                    link.spec.latency += latency;
                }
                Kind::Accidents {
                    loss,
                    duplicate,
                    reorder,
                    corrupt,
                } => {
                    link.spec.loss = link.spec.loss.max(loss);
                    link.spec.duplicate = link.spec.duplicate.max(duplicate);
                    link.spec.reorder = link.spec.reorder.max(reorder);
                    link.spec.corrupt = link.spec.corrupt.max(corrupt);
                }
                Kind::Bursts(burst) => link.burst = Some(burst),
                Kind::Mtu(bytes) => link.mtu = Some(bytes),
                Kind::Rate(rate) => link.datagrams = Some(rate),
                Kind::Reads(cutter) => link.cutter = cutter,
                _ => {}
            }
        }
        self.host(id).link = link;
        self.flows.change();
    }
}

impl World {
    fn outage(&mut self, test: impl Fn(&Active) -> bool) -> bool {
        if self.net.outages.is_empty() {
            return false;
        }
        let name = self.net.outages.name(test);
        name.inspect(|name| self.marks.hit(name)).is_some()
    }

    /// Whether nothing gets from here to there.
    pub(super) fn cut(&mut self, from: ActorId, to: ActorId) -> bool {
        self.outage(|active| match active.kind {
            Kind::Partition | Kind::OneWay | Kind::OneWayOut | Kind::Flap { open: false, .. } => {
                active.covers(from, to)
            }
            Kind::NetworkDown => active.hits(from) || active.hits(to),
            _ => false,
        })
    }

    /// Whether a datagram from here to there vanishes.
    pub(super) fn lost_silently(&mut self, from: ActorId, to: ActorId) -> bool {
        self.cut(from, to)
    }

    /// Whether what arrives there from here has to wait.
    pub(super) fn clogged(&mut self, from: ActorId, to: ActorId) -> bool {
        self.outage(|active| active.kind == Kind::Clog && active.covers(from, to))
    }

    /// Whether SYNs to this actor are not answered.
    pub(super) fn blackholed(&mut self, to: ActorId) -> bool {
        self.outage(|active| active.kind == Kind::Blackhole && active.hits(to))
    }

    /// Whether the actor's system knows that it has no network.
    pub(super) fn no_network(&mut self, id: ActorId) -> bool {
        self.outage(|active| active.kind == Kind::NetworkDown && active.hits(id))
    }

    /// What a fault makes of a SYN to this actor.
    pub(super) fn answer_of(&mut self, id: ActorId) -> Option<Answer> {
        if self.outage(|active| active.kind == Kind::Refuse && active.hits(id)) {
            return Some(Answer::Refuse);
        }
        self.outage(|active| active.kind == Kind::Unreachable && active.hits(id))
            .then_some(Answer::Unreachable)
    }

    /// What a fault makes of a datagram to this actor.
    pub(super) fn datagram_answer_of(&mut self, id: ActorId) -> Option<DatagramFault> {
        match self.answer_of(id) {
            Some(Answer::Refuse) => Some(DatagramFault::Refused),
            Some(Answer::Unreachable) => Some(DatagramFault::Unreachable),
            Some(Answer::Accept) | None => None,
        }
    }

    /// What faults do to a stream that is just established.
    pub(super) fn doom(&mut self, at: EndRef) {
        if self.net.outages.is_empty() {
            return;
        }
        let Some(stream) = self.net.stream(at) else {
            return;
        };
        let ends = stream.ends.each_ref().map(|end| end.who);
        let mut cut = None;
        for active in &mut self.net.outages.list {
            let side = ends.iter().position(|who| active.hits(*who));
            let Some(side) = side else { continue };
            match &mut active.kind {
                Kind::CutConnects { left } if *left > 0 => {
                    *left -= 1;
                    cut = Some(active.name);
                }
                Kind::ResetAfter { bytes, left } if *left > 0 => {
                    *left -= 1;
                    let bytes = *bytes;
                    self.net.streams[at.slot as usize].ends[side].reset_after = Some(bytes);
                }
                _ => {}
            }
        }
        if let Some(name) = cut {
            self.marks.hit(name);
            self.break_both(at);
        }
    }

    /// The actor goes down and gets no input until [`World::restart`]. Its streams end as `how` says.
    pub fn crash(&mut self, id: ActorId, how: Crash) {
        if !self.actors[id.0].up {
            return;
        }
        let ends: Vec<_> = self.net.ends_of(id).collect();
        for at in ends {
            match how {
                Crash::Reset => self.reset(at),
                Crash::Silent => {
                    let opening = self.net.end(at).is_some_and(|end| end.phase == Phase::Opening);
                    self.net.leave(at, Phase::Gone);
                    if opening {
                        self.net.leave(at.other(), Phase::Gone);
                    }
                    self.net.tidy(at);
                }
            }
        }
        self.net.host(id).down = Some(how);
        self.actors[id.0].up = false;
    }

    /// The actor comes back `after` a while and gets [`Input::Start`].
    pub fn restart(&mut self, id: ActorId, after: Duration) {
        self.push_net(self.now + after, NetEvent::Restart(id));
    }

    pub(super) fn come_back(&mut self, id: ActorId) {
        if !self.actors[id.0].up {
            self.net.host(id).down = None;
            self.actors[id.0].up = true;
            self.start_again(id);
        }
    }

    /// What a clog held back goes on, all at once.
    pub(super) fn release(&mut self) {
        for parcel in std::mem::take(&mut self.net.outages.held) {
            self.push_net(self.now, NetEvent::Parcel(Box::new(parcel)));
        }
        for slot in 0..self.net.streams.len() {
            let stream = &self.net.streams[slot];
            for side in 0..2 {
                let due = stream.ends[side].wire.front();
                if due.is_some_and(|item| item.at <= self.now) {
                    let at = EndRef {
                        slot: slot as u32,
                        serial: stream.serial,
                        side: side as u8,
                    };
                    self.queue
                        .push(self.now, crate::world::Occurrence::Net(NetEvent::Arrive(at)));
                }
            }
        }
    }
}
