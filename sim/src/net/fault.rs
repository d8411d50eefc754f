//! What goes wrong on links, by name: the faults that a scenario can schedule, and how each begins and ends.

use crate::net::outage::{Active, Crash, Kind};
use crate::net::{Burst, Cutter, EndRef, NetEvent};
use crate::scenario::{Area, Behaviour, FaultSpec, LinkSpec, Use, When};
use crate::world::{ActorId, Delivery, Occurrence, World};
use seedbed_engine::net::CloseCause;
use seedbed_engine::time::Duration;
use std::net::IpAddr;

const fn row(
    name: &'static str,
    row: &'static str,
    area: Area,
    text: &'static str,
    reaction: &'static str,
) -> Behaviour {
    Behaviour {
        name,
        row,
        area,
        text,
        reaction,
    }
}

/// The faults of links that a scenario can name. Each marks its name when it really hits something.
#[rustfmt::skip]
pub const BEHAVIOURS: &[Behaviour] = &[
    row("partition", "NT1", Area::Host, "nothing gets through between the target and the others, between two targets, or between a group and the rest", "streams stall and go on, or time out; the rest of the swarm is used"),
    row("partition-one-way", "NT2", Area::Host, "nothing reaches the target (way=\"out\": nothing leaves it), or nothing of the second reaches the first", "as for a partition: no progress is no life"),
    row("flap", "NT3", Area::Host, "a partition that comes and goes every `period`", "streams survive short gaps; no storm of reconnects"),
    row("clog", "NT4", Area::Host, "what arrives at the target waits, and comes all at once at the end", "late blocks are used where they are still needed; no timer fires twice"),
    row("slow-link", "NT5", Area::Host, "the target's link carries `rate` bytes a second at the most and takes `latency` longer", "requests adapt to the rate; others are not held up"),
    row("lossy", "NT6", Area::Host, "`loss` thousandths of what passes the target's link are lost: datagrams vanish, streams stall for 200 ms·2^k", "announces are retried by their schedule, streams go on"),
    row("burst-loss", "NT7", Area::Host, "datagrams are lost in bursts: `enter`, `leave`, `loss` in thousandths", "announces are retried by their schedule"),
    row("duplicating", "NT8", Area::Host, "`share` thousandths of the datagrams arrive twice", "the second is ignored"),
    row("reordering", "NT9", Area::Host, "`share` thousandths of the datagrams are overtaken", "answers are told apart by their transactions"),
    row("corrupting", "NT10", Area::Host, "`share` thousandths of the datagrams arrive with a flipped bit", "ignored or failed, never a panic"),
    row("mtu-drop", "NT11", Area::Host, "datagrams longer than `bytes` are dropped instead of fragmented", "the announce is retried, then the next tracker is asked"),
    row("datagram-rate", "NT12", Area::Host, "the target's link lets out `rate` datagrams a second", "what is lost is retried by its schedule"),
    row("one-byte-reads", "PF6", Area::Host, "what arrives at the target is read a byte at a time", "the same as for whole messages"),
    row("random-reads", "PF6", Area::Host, "what arrives at the target is read in pieces of random length", "the same as for whole messages"),
    row("segment-reads", "PF6", Area::Host, "what arrives at the target is read in segments of 1,460 bytes", "the same as for whole messages"),
    row("coalesced-reads", "PF6", Area::Host, "what arrives at the target is read late, up to 64 KiB at a time", "the same as for whole messages"),
    row("refuse", "PC1", Area::Connect, "nobody listens at the target", "failures are counted, attempts back off"),
    row("blackhole", "PC1", Area::Connect, "the target does not answer a SYN; the system gives up after 127 s", "the half-open slot is freed by our own, shorter limit"),
    row("unreachable", "PC1", Area::Connect, "a router says that there is no way to the target", "failures are counted, attempts back off"),
    row("cut-connects", "PC3", Area::Connect, "the next `times` streams of the target are reset as soon as they are established", "counted as failed attempts, back-off grows"),
    row("reset-after", "PC4", Area::Connect, "the next `times` streams of the target are reset when it has sent `bytes`", "complete messages before it are honoured, requests are returned"),
    row("reset-all", "PC4", Area::Connect, "all streams of the target are reset at once", "requests are returned, peers are dialled again after their back-off"),
    row("half-open", "PC7", Area::Connect, "all streams of the target die silently: nothing arrives any more, either way", "dropped after 120 s without a byte"),
    row("vanish", "PC7", Area::Connect, "the target is gone without a word, as by a power cut, and starts anew at the end", "dropped after 120 s without a byte; used again when it is back"),
    row("kill", "NT13", Area::Host, "the target's process is killed: its streams are reset, its port refuses, until it starts anew at the end", "failures are counted, attempts back off; used again when it is back"),
    row("churn", "NT14", Area::Host, "the targets go down and come back every `up` and `down` (how=\"silent\": without a word)", "the download goes on with whoever is there"),
    row("network-down", "TP10", Area::Host, "the target has no network, and its system says so; at the end it has and is told", "back-off is capped, the end triggers an early try"),
];

/// A fault of hosts that is one of links too when it says to which `ip` the target moves.
const NETWORK_CHANGE: &str = "network-change";

/// What a fault is to do.
enum Plan {
    /// It holds until it ends.
    Hold(Kind),
    /// One blow.
    ResetAll,
    HalfOpen,
    NetworkChange(IpAddr),
}

/// A parameter that is a time.
fn time(what: &Use, name: &str, default: Duration) -> Duration {
    what.duration(name).unwrap_or(default)
}

fn number<T: TryFrom<i64>>(what: &Use, name: &str, default: T) -> T {
    let set = what.params.iter().any(|(known, _)| known == name);
    match set {
        true => T::try_from(what.int(name, 0)).unwrap_or(default),
        false => default,
    }
}

/// What a fault of this name does. None for a name that is not in [`BEHAVIOURS`].
#[rustfmt::skip]
fn plan(fault: &FaultSpec) -> Option<Plan> {
    let what = &fault.what;
    let share = |default| number::<u32>(what, "share", default);
    // a fault without an end would reset every stream for ever: it takes one
    let times = number(what, "times", if fault.lasts.is_some() { u32::MAX } else { 1 });
    let accidents = |loss, duplicate, reorder, corrupt| Kind::Accidents { loss, duplicate, reorder, corrupt };
    let how = if what.text("how") == Some("silent") { Crash::Silent } else { Crash::Reset };
    Some(Plan::Hold(match what.name.as_str() {
        "partition" => Kind::Partition,
        "partition-one-way" if what.text("way") == Some("out") => Kind::OneWayOut,
        "partition-one-way" => Kind::OneWay,
        "flap" => Kind::Flap { period: time(what, "period", Duration::from_secs(1)).max(Duration::from_millis(1)), open: false },
        "clog" => Kind::Clog,
        "slow-link" => Kind::Slow { rate: number(what, "rate", 0), latency: time(what, "latency", Duration::ZERO) },
        "lossy" => accidents(number(what, "loss", 300), 0, 0, 0),
        "burst-loss" => Kind::Bursts(Burst { enter: number(what, "enter", 100), leave: number(what, "leave", 300), loss: number(what, "loss", 1_000) }),
        "duplicating" => accidents(0, share(300), 0, 0),
        "reordering" => accidents(0, 0, share(300), 0),
        "corrupting" => accidents(0, 0, 0, share(300)),
        "mtu-drop" => Kind::Mtu(number(what, "bytes", super::datagram::UNFRAGMENTED)),
        "datagram-rate" => Kind::Rate(number(what, "rate", 10)),
        "one-byte-reads" => Kind::Reads(Cutter::One),
        "random-reads" => Kind::Reads(Cutter::Random),
        "segment-reads" => Kind::Reads(Cutter::Mss),
        "coalesced-reads" => Kind::Reads(Cutter::Coalesced),
        "refuse" => Kind::Refuse,
        "blackhole" => Kind::Blackhole,
        "unreachable" => Kind::Unreachable,
        "cut-connects" => Kind::CutConnects { left: times },
        "reset-after" => Kind::ResetAfter { bytes: number(what, "bytes", 100), left: times },
        "vanish" => Kind::Down(Crash::Silent),
        "kill" => Kind::Down(Crash::Reset),
        "churn" => Kind::Churn { up: time(what, "up", Duration::from_secs(30)), down: time(what, "down", Duration::from_secs(5)), how, running: true },
        "network-down" => Kind::NetworkDown,
        "reset-all" => return Some(Plan::ResetAll),
        "half-open" => return Some(Plan::HalfOpen),
        NETWORK_CHANGE => return what.text("ip")?.parse().ok().map(Plan::NetworkChange),
        _ => return None,
    }))
}

impl World {
    /// The access link of an actor, also while the world runs.
    pub fn set_link(&mut self, id: ActorId, link: LinkSpec) {
        self.net.set_link(id, link);
        self.reshare();
    }

    /// A behaviour of [`BEHAVIOURS`] that an actor has from now on for ever. False when the name is not one of them.
    pub fn apply_link_behaviour(&mut self, id: ActorId, what: &Use) -> bool {
        let fault = FaultSpec {
            when: When::At(Duration::ZERO),
            lasts: Some(Duration::MAX),
            targets: vec![self.actors[id.0].name.clone()],
            what: what.clone(),
        };
        self.apply_link_fault(&fault, true)
    }

    /// A fault of a link begins (true) or ends. False when the name is not one of [`BEHAVIOURS`], a parameter makes no
    /// sense or a target is unknown. No target at all means everybody.
    pub fn apply_link_fault(&mut self, fault: &FaultSpec, on: bool) -> bool {
        let known = BEHAVIOURS.iter().map(|known| known.name);
        let name = known
            .chain([NETWORK_CHANGE])
            .find(|name| *name == fault.what.name);
        let (Some(name), Some(plan)) = (name, plan(fault)) else {
            return false;
        };
        let targets: Option<Vec<_>> = fault.targets.iter().map(|name| self.find(name)).collect();
        let Some(targets) = targets else {
            return false;
        };
        match plan {
            Plan::Hold(_) if !on => self.fault_ends(fault),
            Plan::Hold(kind) => self.fault_begins(fault, name, kind, targets),
            _ if !on => {}
            Plan::ResetAll => self.blow(&targets, name, Self::break_both),
            Plan::HalfOpen => self.blow(&targets, name, Self::kill_silently),
            Plan::NetworkChange(ip) => {
                self.marks.hit(name);
                targets.iter().for_each(|id| self.move_to(*id, ip));
            }
        }
        true
    }

    fn fault_begins(&mut self, fault: &FaultSpec, name: &'static str, kind: Kind, targets: Vec<ActorId>) {
        let outages = &mut self.net.outages;
        outages.begun += 1;
        let serial = outages.begun;
        let active = Active {
            serial,
            spec: fault.clone(),
            name,
            kind,
            targets: targets.clone(),
        };
        outages.list.push(active);
        self.refresh_all(&targets);
        let targets = self.or_everybody(&targets);
        match kind {
            Kind::Flap { period, .. } => self.push(period, Occurrence::Net(NetEvent::Phase(serial))),
            Kind::Churn { .. } => self.fault_phase(serial),
            Kind::Down(how) => {
                self.marks.hit(name);
                targets.iter().for_each(|id| self.crash(*id, how));
            }
            // streams that are there count too
            Kind::ResetAfter { bytes, .. } => {
                let ends: Vec<_> = targets.iter().flat_map(|id| self.net.ends_of(*id)).collect();
                for at in ends {
                    self.doom_later(serial, at, bytes);
                }
            }
            Kind::NetworkDown => self.tell_network(&targets),
            // it slows whatever passes, so it has fired once it holds
            Kind::Slow { .. } => self.marks.hit(name),
            _ => {}
        }
    }

    fn doom_later(&mut self, serial: u64, at: EndRef, bytes: u64) {
        let active = self
            .net
            .outages
            .list
            .iter_mut()
            .find(|active| active.serial == serial);
        if let Some(Active {
            kind: Kind::ResetAfter { left, .. },
            ..
        }) = active
            && *left > 0
            && let Some(end) = self.net.streams.get_mut(at.slot as usize)
        {
            *left -= 1;
            end.ends[usize::from(at.side)].reset_after = Some(bytes);
        }
    }

    fn fault_ends(&mut self, fault: &FaultSpec) {
        let place = self
            .net
            .outages
            .list
            .iter()
            .position(|active| active.spec == *fault);
        let Some(place) = place else { return };
        let active = self.net.outages.list.remove(place);
        self.refresh_all(&active.targets);
        let targets = self.or_everybody(&active.targets);
        match active.kind {
            Kind::Clog => self.release(),
            Kind::Down(_) | Kind::Churn { .. } => {
                targets.iter().for_each(|id| self.restart(*id, Duration::ZERO));
            }
            Kind::NetworkDown => self.tell_network(&targets),
            _ => {}
        }
    }

    /// No target at all means everybody.
    fn or_everybody(&self, targets: &[ActorId]) -> Vec<ActorId> {
        match targets {
            [] => (0..self.actors.len()).map(ActorId).collect(),
            some => some.to_vec(),
        }
    }

    fn refresh_all(&mut self, targets: &[ActorId]) {
        for id in self.or_everybody(targets) {
            self.net.refresh(id);
        }
        self.reshare();
    }

    /// A fault that changes by itself does so.
    pub(super) fn fault_phase(&mut self, serial: u64) {
        let active = self
            .net
            .outages
            .list
            .iter_mut()
            .find(|active| active.serial == serial);
        let Some(active) = active else { return };
        let (name, targets) = (active.name, active.targets.clone());
        let next = match &mut active.kind {
            Kind::Flap { period, open } => {
                *open = !*open;
                *period
            }
            Kind::Churn {
                up,
                down,
                how,
                running,
            } => {
                *running = !*running;
                let (running, how, next) = (*running, *how, if *running { *up } else { *down });
                self.marks.hit(name);
                for id in targets {
                    if running {
                        self.restart(id, Duration::ZERO);
                    } else {
                        self.crash(id, how);
                    }
                }
                next
            }
            _ => return,
        };
        self.push(
            next.max(Duration::from_millis(1)),
            Occurrence::Net(NetEvent::Phase(serial)),
        );
    }

    /// Something happens to every stream of the targets, or to those between two, once.
    fn blow(&mut self, targets: &[ActorId], name: &'static str, what: fn(&mut Self, EndRef)) {
        let mut ends: Vec<EndRef> = match targets {
            [a, b] => {
                let between = |at: &EndRef| {
                    let stream = &self.net.streams[at.slot as usize];
                    stream.ends[usize::from(at.other().side)].who == *b
                };
                self.net.ends_of(*a).filter(between).collect()
            }
            targets => {
                let targets = self.or_everybody(targets);
                targets.iter().flat_map(|id| self.net.ends_of(*id)).collect()
            }
        };
        // a stream between two targets is one stream
        ends.sort_unstable_by_key(|at| (at.serial, at.side));
        ends.dedup_by_key(|at| at.serial);
        for at in ends {
            self.marks.hit(name);
            what(self, at);
        }
    }

    fn kill_silently(&mut self, at: EndRef) {
        if let Some(stream) = self.net.stream(at) {
            stream.dead = true;
            for end in &mut stream.ends {
                end.wire.clear();
                end.in_flight = 0;
            }
        }
    }

    fn tell_network(&mut self, targets: &[ActorId]) {
        for id in targets {
            self.push(Duration::ZERO, Occurrence::Deliver(*id, Delivery::NetworkChanged));
        }
    }

    /// The actor's address becomes another: its streams are gone, and the other ends do not hear of it.
    fn move_to(&mut self, id: ActorId, ip: IpAddr) {
        let first = &mut self.actors[id.0].ip;
        *first = if first.is_ipv6() {
            crate::sample::six(ip)
        } else {
            ip
        };
        let ends: Vec<_> = self.net.ends_of(id).collect();
        for at in ends {
            self.kill_silently(at);
            self.fail(at, CloseCause::Local("the address is gone".into()));
        }
        self.tell_network(&[id]);
    }
}
