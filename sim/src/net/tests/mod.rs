//! Tests of the network, with an actor that only writes down what happens to it.

mod bandwidth;
mod datagram;
mod fault;
mod outage;
mod stream;

use crate::actor::{Actor, Cx, Input, Output};
use crate::net::Cutter;
use crate::scenario::LinkSpec;
use crate::seed::Seed;
use crate::world::{ActorId, World};
use seedbed_engine::id::ConnId;
use seedbed_engine::net::{CloseCause, DatagramFault};
use seedbed_engine::time::{Duration, Instant};
use std::any::Any;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// What a [`Toy`] saw.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Seen {
    Start,
    Accepted(ConnId),
    Connected,
    Received(Vec<u8>),
    Sent(u64),
    Closed(CloseCause),
    Datagram(SocketAddr, Vec<u8>),
    DatagramError(DatagramFault),
    Resolved(usize),
    NetworkChanged,
}

/// Writes down what happens to it.
#[derive(Clone, Debug)]
pub(super) struct Toy {
    /// What it reads at once on each stream; then as much again as it read.
    pub(super) budget: u64,
    /// Sends back what it gets.
    pub(super) echo: bool,
    /// Whether it keeps what it saw.
    pub(super) keep: bool,
    pub(super) log: Vec<(Instant, Seen)>,
}

impl Default for Toy {
    fn default() -> Self {
        Self {
            budget: 1 << 40,
            echo: false,
            keep: true,
            log: Vec::new(),
        }
    }
}

impl Actor for Toy {
    fn handle(&mut self, cx: &mut Cx<'_>, input: Input<'_>) {
        if self.keep {
            let seen = match &input {
                Input::Start => Seen::Start,
                Input::Tick => return,
                Input::Accepted { stream, .. } => Seen::Accepted(*stream),
                Input::Connected { .. } => Seen::Connected,
                Input::Received { data, .. } => Seen::Received(data.to_vec()),
                Input::Sent { bytes, .. } => Seen::Sent(*bytes),
                Input::Closed { cause, .. } => Seen::Closed(cause.clone()),
                Input::Multicast { from, data, .. } => Seen::Datagram(*from, data.to_vec()),
                Input::Datagram { from, data } => Seen::Datagram(*from, data.to_vec()),
                Input::DatagramError { fault, .. } => Seen::DatagramError(*fault),
                Input::Resolved { result, .. } => Seen::Resolved(result.as_ref().map_or(0, Vec::len)),
                Input::NetworkChanged => Seen::NetworkChanged,
            };
            self.log.push((cx.now, seen));
        }
        match input {
            Input::Accepted { stream, .. } | Input::Connected { stream } if self.budget > 0 => {
                let budget = self.budget;
                cx.out.push(Output::Read { stream, budget });
            }
            Input::Received { stream, data } => {
                if self.budget > 0 {
                    let budget = data.len() as u64;
                    cx.out.push(Output::Read { stream, budget });
                }
                if self.echo {
                    let data = data.to_vec();
                    cx.out.push(Output::Send { stream, data });
                }
            }
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn port(&self) -> Option<u16> {
        Some(6881)
    }

    fn clone_box(&self) -> Box<dyn Actor> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

pub(super) const MS: Duration = Duration::from_millis(1);
pub(super) const A: ActorId = ActorId(0);
pub(super) const B: ActorId = ActorId(1);
pub(super) const C0: ConnId = ConnId::dialled(0);

pub(super) fn ip(n: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, n).into()
}

pub(super) fn at(n: u8) -> SocketAddr {
    SocketAddr::new(ip(n), 6881)
}

/// A world of so many toys, named `a`, `b` …, at 10.0.0.1 and so on.
pub(super) fn world(seed: u64, toys: u8) -> World {
    let mut world = World::new(Seed(seed));
    for n in 0..toys {
        let name = char::from(b'a' + n).to_string();
        world.add(&name, ip(n + 1), Box::new(Toy::default()), Duration::ZERO);
    }
    world
}

pub(super) fn link(world: &mut World, id: ActorId, change: impl FnOnce(&mut LinkSpec)) {
    let mut link = world.net.link(id);
    change(&mut link);
    world.set_link(id, link);
}

pub(super) fn toy(world: &mut World, id: ActorId) -> &mut Toy {
    world.actor_mut(id).expect("a toy")
}

/// Runs up to so many milliseconds after the beginning.
pub(super) fn run(world: &mut World, millis: u64) {
    world.run_until(Instant::from_millis(millis), |_| false);
}

pub(super) fn connect(world: &mut World, from: ActorId, stream: ConnId, to: u8) {
    world.carry_out(from, Output::Connect { stream, to: at(to) });
}

pub(super) fn send(world: &mut World, id: ActorId, stream: ConnId, data: &[u8]) {
    let data = data.to_vec();
    world.carry_out(id, Output::Send { stream, data });
}

/// The toy's log without its beginning, times in milliseconds.
pub(super) fn log(world: &World, id: ActorId) -> Vec<(u64, Seen)> {
    let toy: &Toy = world.actor(id).expect("a toy");
    let rest = toy.log.iter().filter(|(_, seen)| *seen != Seen::Start);
    rest.map(|(at, seen)| (at.as_micros() / 1_000, seen.clone()))
        .collect()
}

/// All bytes that the toy got on streams.
pub(super) fn bytes(world: &World, id: ActorId) -> Vec<u8> {
    let toy: &Toy = world.actor(id).expect("a toy");
    let parts = toy.log.iter().filter_map(|(_, seen)| match seen {
        Seen::Received(bytes) => Some(bytes.as_slice()),
        _ => None,
    });
    parts.collect::<Vec<_>>().concat()
}

/// Two toys with a stream from the first to the second, 50 ms after the beginning. The acceptor's number is 1.
pub(super) fn pair(seed: u64) -> World {
    let mut world = world(seed, 2);
    for id in [A, B] {
        link(&mut world, id, |link| link.latency = MS * 5);
    }
    connect(&mut world, A, C0, 2);
    run(&mut world, 50);
    for id in [A, B] {
        toy(&mut world, id).log.clear();
    }
    world
}

pub(super) const THEIRS: ConnId = ConnId::accepted(1);

/// Bytes that tell their place.
pub(super) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n ^ n >> 8 ^ n >> 16) as u8).collect()
}

pub(super) const CUTTERS: [Cutter; 5] = [
    Cutter::Whole,
    Cutter::One,
    Cutter::Random,
    Cutter::Mss,
    Cutter::Coalesced,
];

/// Not a test of anything but speed: run with `--release -- --ignored` and look at the clock.
#[test]
#[ignore = "a measurement"]
fn ten_million_steps_of_a_busy_pair() {
    let mut world = world(1, 2);
    for id in [A, B] {
        *toy(&mut world, id) = Toy {
            echo: true,
            keep: false,
            ..Toy::default()
        };
    }
    connect(&mut world, A, C0, 2);
    run(&mut world, 100);
    for _ in 0..8 {
        send(&mut world, A, C0, &[7; 100]);
        world.step();
        world.step();
    }
    world.run_until(Instant::FAR_FUTURE, |world| world.steps >= 10_000_000);
    assert_eq!(world.steps, 10_000_000);
}
