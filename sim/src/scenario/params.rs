//! Parameters of behaviours: their names, for files, and their ranges, for the generator.
//!
//! A behaviour says in its own part what a parameter means; this table holds what a file may set and what the
//! generator draws.

use super::{Area, Behaviour, Value};
use seedbed_engine::rng::Rng;

/// What the generator draws for a parameter.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A whole number of a range.
    Int(u32, u32),
    /// One of these numbers.
    Of(&'static [i64]),
    /// A time of a range, in milliseconds.
    Time(u32, u32),
    /// True or false.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Nothing: it is for those who write.
    Undrawn,
}

/// How often the generator sets a parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Often {
    /// Always: the behaviour would mean little, or never end, without it.
    Always,
    /// Every other time.
    Half,
    /// Every fourth time.
    Seldom,
}

/// A parameter of a behaviour.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What it can be.
    pub kind: Kind,
    /// How often it is set.
    pub often: Often,
}

const fn param(name: &'static str, often: Often, kind: Kind) -> Param {
    Param { name, kind, often }
}

const fn always(name: &'static str, kind: Kind) -> Param {
    param(name, Often::Always, kind)
}

const fn half(name: &'static str, kind: Kind) -> Param {
    param(name, Often::Half, kind)
}

const fn seldom(name: &'static str, kind: Kind) -> Param {
    param(name, Often::Seldom, kind)
}

const fn written(name: &'static str) -> Param {
    param(name, Often::Seldom, Kind::Undrawn)
}

/// When a tracker's behaviour is at work.
const TRACKER: &[Param] = &[
    half("first", Kind::Int(1, 4)),
    seldom("after", Kind::Time(100, 60_000)),
    half("until", Kind::Time(1_000, 300_000)),
    seldom("every", Kind::Int(2, 4)),
    seldom("flap", Kind::Time(1_000, 60_000)),
    written("count"),
    written("least"),
    written("gap"),
    written("bits"),
    written("times"),
    written("lookups"),
    written("by"),
];

/// When a peer's behaviour is at work, and the numbers that peers' behaviours take.
const PEER: &[Param] = &[
    seldom("after", Kind::Time(100, 30_000)),
    seldom("for", Kind::Time(1_000, 120_000)),
    seldom("from", Kind::Word(&["endgame"])),
    seldom("every", Kind::Int(2, 6)),
    seldom("times", Kind::Int(1, 5)),
    written("each"),
    written("by"),
    written("n"),
    written("which"),
    written("bytes"),
    written("byte"),
    written("bit"),
    written("piece"),
    written("part"),
    written("block"),
    written("blocks"),
    written("length"),
    written("beyond"),
    written("flaps"),
    written("reqq"),
    written("shorter"),
    written("span"),
    written("gap"),
    written("late"),
    written("wait"),
    written("lasts"),
    written("who"),
];

/// When a fault of a disk is at work. What lasts ends, so that a world can heal.
const DISK: &[Param] = &[
    half("when", Kind::Time(1, 30_000)),
    always("for", Kind::Time(100, 60_000)),
    half("at", Kind::Int(1, 20)),
    always("times", Kind::Int(1, 3)),
    half("permille", Kind::Of(&[100, 300, 700])),
    written("quiet"),
];

/// When something happens to a host.
const HOST: &[Param] = &[
    half("when", Kind::Time(1, 60_000)),
    always("for", Kind::Time(100, 60_000)),
];

/// Parameters of single behaviours.
const OWN: &[(&str, &[Param])] = &[
    (
        "udp-interval",
        &[always(
            "value",
            Kind::Of(&[0, 1, 299, 86_401, 2_147_483_647, 2_147_483_648, -1]),
        )],
    ),
    (
        "http-interval",
        &[half(
            "value",
            Kind::Of(&[0, 1, 299, 86_401, 2_147_483_647, 2_147_483_648, -1]),
        )],
    ),
    ("udp-late", &[half("by", Kind::Time(1, 40_000))]),
    (
        "http-status",
        &[always("code", Kind::Of(&[400, 403, 404, 410, 500, 503]))],
    ),
    ("http-redirect-away", &[always("to", Kind::Int(0, 2))]),
    ("http-failure", &[half("retry-in", Kind::Of(&[-1, 1, 5, 20]))]),
    ("tracker-dies", &[always("answers", Kind::Int(1, 3))]),
    (
        "disk-error",
        &[half(
            "job",
            Kind::Word(&[
                "write", "out", "read", "hash", "digests", "sync", "save", "prepare", "open", "any",
            ]),
        )],
    ),
    ("disk-full", &[written("bytes")]),
    (
        "slow-disk",
        &[half("each", Kind::Time(1, 1_000)), written("rate")],
    ),
    ("unordered-disk", &[half("by", Kind::Time(1, 500))]),
    ("slow-hash", &[half("by", Kind::Time(10, 5_000))]),
    (
        "file-truncated",
        &[half("file", Kind::Int(0, 2)), half("to", Kind::Int(0, 500))],
    ),
    ("file-deleted", &[half("file", Kind::Int(0, 2))]),
    ("file-replaced", &[half("file", Kind::Int(0, 2))]),
    (
        "file-grown",
        &[half("file", Kind::Int(0, 2)), half("by", Kind::Int(1, 100))],
    ),
    (
        "crash",
        &[
            half("action", Kind::Int(1, 300)),
            half("down", Kind::Time(10, 30_000)),
            written("stays-down"),
            written("torn"),
            written("lost"),
        ],
    ),
    (
        "power-loss",
        &[
            half("action", Kind::Int(1, 300)),
            half("down", Kind::Time(10, 30_000)),
            half("lost", Kind::Int(0, 1_000)),
            half("torn", Kind::Flag),
            written("stays-down"),
        ],
    ),
    ("suspend", &[half("lasts", Kind::Time(1_000, 28_800_000))]),
    ("freeze", &[half("lasts", Kind::Time(100, 120_000))]),
    (
        "clock-jump",
        &[half(
            "seconds",
            Kind::Of(&[-86_400, -3_600, -1, 1, 3_600, 86_400]),
        )],
    ),
    ("few-handles", &[half("max", Kind::Int(1, 8))]),
    ("add-peer", &[written("who")]),
    ("select", &[half("file", Kind::Int(0, 3)), written("waits")]),
    ("prefer", &[half("file", Kind::Int(0, 3))]),
    (
        "fetch",
        &[half(
            "what",
            Kind::Word(&["there", "missing", "moved", "large", "nowhere", "no-url"]),
        )],
    ),
    ("deadlines", &[half("piece", Kind::Int(0, 40))]),
    (
        "limit",
        &[
            half("down", Kind::Int(500, 20_000)),
            half("up", Kind::Int(500, 20_000)),
            half("torrent", Kind::Flag),
            written("slots"),
        ],
    ),
    ("partition-one-way", &[half("way", Kind::Word(&["in", "out"]))]),
    ("flap", &[half("period", Kind::Time(100, 10_000))]),
    (
        "slow-link",
        &[
            half("rate", Kind::Int(500, 50_000)),
            half("latency", Kind::Time(1, 2_000)),
        ],
    ),
    ("lossy", &[half("loss", Kind::Int(1, 500))]),
    (
        "burst-loss",
        &[
            half("enter", Kind::Int(10, 300)),
            half("leave", Kind::Int(50, 500)),
            half("loss", Kind::Int(300, 1_000)),
        ],
    ),
    ("duplicating", &[half("share", Kind::Int(1, 500))]),
    ("reordering", &[half("share", Kind::Int(1, 500))]),
    ("corrupting", &[half("share", Kind::Int(1, 500))]),
    ("mtu-drop", &[half("bytes", Kind::Of(&[60, 100, 576]))]),
    ("datagram-rate", &[always("rate", Kind::Int(1, 3))]),
    ("cut-connects", &[half("times", Kind::Int(1, 3))]),
    (
        "reset-after",
        &[half("bytes", Kind::Int(1, 2_000)), half("times", Kind::Int(1, 3))],
    ),
    (
        "churn",
        &[
            half("up", Kind::Time(1_000, 30_000)),
            half("down", Kind::Time(100, 10_000)),
            half("how", Kind::Word(&["silent", "reset"])),
        ],
    ),
    ("network-change", &[written("ip")]),
    // below nothing, nothing, and what no torrent's is though it could be counted in 32 bits
    (
        "metadata-size",
        &[half("n", Kind::Of(&[-1, 0, 31_457_281, 67_108_864]))],
    ),
    ("degenerate-key", &[half("which", Kind::Int(0, 4))]),
    ("pad-too-long", &[half("bytes", Kind::Of(&[513, 1_000, 65_535]))]),
    ("bad-select", &[half("select", Kind::Of(&[0, 3, 4]))]),
    ("first-payload", &[half("bytes", Kind::Of(&[0, 1, 20, 48, 67]))]),
    ("late-key", &[half("late", Kind::Time(100, 5_000))]),
];

/// The parameters of a behaviour: its own, then those of its area.
pub fn of(behaviour: &Behaviour) -> impl Iterator<Item = &'static Param> {
    let own = OWN.iter().find(|(name, _)| *name == behaviour.name);
    let own: &'static [Param] = own.map_or(&[], |(_, params)| params);
    let area = match behaviour.area {
        Area::UdpTracker | Area::HttpTracker | Area::TrackerPolicy => TRACKER,
        Area::Disk => DISK,
        Area::Host => HOST,
        Area::Connect
        | Area::Framing
        | Area::State
        | Area::Bitfield
        | Area::Requests
        | Area::Pieces
        | Area::Extensions
        | Area::Encryption
        | Area::Local => PEER,
        Area::Metainfo => &[],
    };
    let named = move |name: &str| own.iter().any(|param| param.name == name);
    own.iter()
        .chain(area.iter().filter(move |param| !named(param.name)))
}

/// What a fault hits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FaultShape {
    /// Engines only.
    pub engines: bool,
    /// What is between two actors, as well as one of them.
    pub pair: bool,
    /// Datagrams only: trackers and engines send them, peers do not.
    pub datagrams: bool,
    /// For some time, instead of as a single blow.
    pub lasts: bool,
}

/// What a fault of this name hits, if the generator may choose it.
pub fn fault(behaviour: &Behaviour) -> Option<FaultShape> {
    let engines = crate::host::BEHAVIOURS.contains(behaviour);
    let shape = FaultShape {
        engines,
        pair: matches!(behaviour.name, "partition" | "partition-one-way" | "flap"),
        datagrams: matches!(
            behaviour.name,
            "burst-loss"
                | "duplicating"
                | "reordering"
                | "corrupting"
                | "mtu-drop"
                | "datagram-rate"
                | "spoofed-source"
        ),
        lasts: !matches!(
            behaviour.name,
            "reset-all"
                | "half-open"
                | "crash"
                | "power-loss"
                | "suspend"
                | "freeze"
                | "remove"
                | "add-peer"
                | "scrape"
                | "fetch"
                | "deadlines"
        ),
    };
    match behaviour.name {
        // the run has an end of its own
        "shutdown" => None,
        "network-change" if !engines => None,
        _ => Some(shape),
    }
}

/// Whether an engine may have this from its beginning in a generated world.
pub fn for_hosts(behaviour: &Behaviour) -> bool {
    behaviour.area == Area::Disk || matches!(behaviour.name, "few-handles")
}

/// Fields of an engine's configuration that differ in a world: seldom, and within what a user could set.
pub fn config(rng: &mut Rng) -> Vec<(String, Value)> {
    let number = |low: i64, high: u32, rng: &mut Rng| Value::Int(low + i64::from(rng.below(high)));
    let choices: [(&str, Value); 8] = [
        ("slots", number(1, 8, rng)),
        ("connections-per-torrent", number(8, 40, rng)),
        ("half-open", number(1, 20, rng)),
        ("random-first", number(0, 8, rng)),
        ("endgame-duplicates", number(1, 4, rng)),
        ("hash-jobs", number(1, 4, rng)),
        ("dials-per-second", number(1, 18, rng)),
        ("multiple-per-ip", Value::Bool(rng.chance(1, 2))),
    ];
    let chosen = choices.into_iter().filter(|_| rng.chance(1, 16));
    let mut config: Vec<_> = chosen.map(|(name, value)| (name.to_owned(), value)).collect();
    if rng.chance(1, 2) {
        config.push(("pex".into(), Value::Bool(true)));
    }
    if rng.chance(1, 2) {
        config.push(("dont-have".into(), Value::Bool(true)));
    }
    config
}
