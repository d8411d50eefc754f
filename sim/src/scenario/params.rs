//! Parameters of behaviours: their names, for files, and their ranges, for the generator.
//!
//! A behaviour says in its own part what a parameter means; this table holds what a file may set and what the
//! generator draws.

use super::{Area, Behaviour, Value};
use seedbed_engine::rng::Rng;

/// What a parameter can be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A whole number of a range.
    Int(i64, i64),
    /// A time of a range, in milliseconds.
    Time(u32, u32),
    /// True or false.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// A parameter of a behaviour.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What it can be.
    pub kind: Kind,
    /// Whether the behaviour means little without it.
    pub always: bool,
    /// Whether it says when the behaviour is at work, which every behaviour of its area has.
    pub window: bool,
}

const fn own(name: &'static str, kind: Kind) -> Param {
    Param {
        name,
        kind,
        always: false,
        window: false,
    }
}

const fn window(name: &'static str, kind: Kind) -> Param {
    Param {
        window: true,
        ..own(name, kind)
    }
}

/// When a tracker's behaviour is at work.
const TRACKER_WINDOW: &[Param] = &[
    window("first", Kind::Int(1, 4)),
    window("after", Kind::Time(100, 60_000)),
    window("until", Kind::Time(1_000, 120_000)),
    window("every", Kind::Int(2, 4)),
    window("flap", Kind::Time(1_000, 60_000)),
];

/// Parameters of single behaviours.
const OWN: &[(&str, &[Param])] = &[
    ("udp-interval", &[own("value", Kind::Int(0, i32::MAX as i64))]),
    ("http-interval", &[own("value", Kind::Int(-1, i32::MAX as i64))]),
    ("http-status", &[own("code", Kind::Int(400, 503))]),
    ("http-redirect-away", &[own("to", Kind::Int(0, 2))]),
    ("http-failure", &[own("retry-in", Kind::Int(-1, 60))]),
    ("tracker-dies", &[own("answers", Kind::Int(1, 3))]),
];

/// The parameters of a behaviour: its own, then those of its area.
pub fn of(behaviour: &Behaviour) -> impl Iterator<Item = &'static Param> {
    let own = OWN.iter().find(|(name, _)| *name == behaviour.name);
    let window = match behaviour.area {
        Area::UdpTracker | Area::HttpTracker | Area::TrackerPolicy => TRACKER_WINDOW,
        _ => &[],
    };
    own.map_or(&[] as &[Param], |(_, params)| params)
        .iter()
        .chain(window)
}

/// What a fault hits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FaultShape {
    /// Engines only.
    pub engines: bool,
    /// What is between two actors.
    pub pair: bool,
    /// For some time, instead of as a single blow.
    pub lasts: bool,
}

/// What a fault hits.
pub fn fault(_name: &str) -> FaultShape {
    FaultShape {
        engines: false,
        pair: false,
        lasts: true,
    }
}

/// Fields of an engine's configuration that differ in a world.
pub fn config(_rng: &mut Rng) -> Vec<(String, Value)> {
    Vec::new()
}
