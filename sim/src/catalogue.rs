//! Everything that a scenario can name: behaviours, faults, moments, expectations. Each part of the simulator keeps
//! its own list; here they are one.

use crate::marks::Marks;
use crate::scenario::{Area, Behaviour};
use crate::{host, metainfo, net, oracle, peer, tracker};

/// The lists of all parts.
const PARTS: &[&[Behaviour]] = &[
    tracker::BEHAVIOURS,
    host::BEHAVIOURS,
    peer::BEHAVIOURS,
    metainfo::BEHAVIOURS,
];

/// Every behaviour of the catalogue, in the order of its areas.
pub fn behaviours() -> impl Iterator<Item = &'static Behaviour> {
    PARTS.iter().copied().flatten()
}

/// The behaviours that something of these areas can have.
pub fn of(areas: &'static [Area]) -> impl Iterator<Item = &'static Behaviour> {
    behaviours().filter(|behaviour| areas.contains(&behaviour.area))
}

/// Areas of an engine's host.
pub const ENGINE: &[Area] = &[Area::Disk, Area::Host];
/// Areas of a UDP tracker.
pub const UDP_TRACKER: &[Area] = &[Area::UdpTracker, Area::TrackerPolicy];
/// Areas of an HTTP tracker.
pub const HTTP_TRACKER: &[Area] = &[Area::HttpTracker, Area::TrackerPolicy];
/// Areas of a model peer.
pub const PEER: &[Area] = &[
    Area::Connect,
    Area::Framing,
    Area::State,
    Area::Bitfield,
    Area::Requests,
    Area::Pieces,
    Area::Extensions,
    Area::Encryption,
    Area::Local,
];

/// All areas in which something can go wrong.
pub const AREAS: &[Area] = &[
    Area::Metainfo,
    Area::UdpTracker,
    Area::HttpTracker,
    Area::TrackerPolicy,
    Area::Connect,
    Area::Framing,
    Area::State,
    Area::Bitfield,
    Area::Requests,
    Area::Pieces,
    Area::Extensions,
    Area::Disk,
    Area::Host,
    Area::Encryption,
    Area::Local,
];

/// The lists of faults that a schedule can name.
const FAULTS: &[&[Behaviour]] = &[net::BEHAVIOURS, host::BEHAVIOURS];

/// Every fault that a schedule can name.
pub fn faults() -> impl Iterator<Item = &'static Behaviour> {
    FAULTS.iter().copied().flatten()
}

/// Every oracle: its id and its rule, a sentence.
pub fn oracles() -> impl Iterator<Item = (&'static str, &'static str)> {
    oracle::ORACLES.iter().map(|info| (info.id, info.text))
}

/// What networks and disks do in the course of a run, as a consequence of other things: hit like a behaviour.
const CONSEQUENCES: &[(&str, &str)] = &[
    ("bandwidth-shared", "streams share the rate of a link"),
    ("connect-refused", "nobody listens where somebody dials"),
    (
        "connect-timed-out",
        "nothing answers where somebody dials, as often as it is tried",
    ),
    ("connect-unreachable", "there is no way to where somebody dials"),
    ("datagram-refused", "nobody listens where a datagram arrives"),
    (
        "disk-overtakes",
        "a later job of a disk ends before an earlier one",
    ),
    (
        "freeze-drops-datagram",
        "a datagram arrives at a stopped process for which as many wait as a socket holds",
    ),
    (
        "lying-fsync-loses",
        "a power loss takes what a disk said to have synced",
    ),
    ("parts-removed", "the part file is taken away"),
    (
        "power-loss-loses",
        "a power loss takes what was written and not synced",
    ),
    (
        "spoofed-source",
        "a datagram comes from another address than it says",
    ),
    (
        "stream-stalled",
        "lost segments are sent again, and what is behind them waits",
    ),
    (
        "stream-timed-out",
        "segments are lost for so long that the stream ends",
    ),
    (
        "stream-unknown",
        "bytes arrive for a stream that is gone, and are answered by a reset",
    ),
    (
        "suspend-drops-datagram",
        "a datagram arrives at a machine that sleeps",
    ),
    ("zero-window", "a receiver takes nothing more"),
];

/// Every mark: its name and what hitting it means. What is both a behaviour and a fault is one mark.
pub fn marks() -> impl Iterator<Item = (&'static str, &'static str)> {
    let alone = faults().filter(|fault| behaviours().all(|known| known.name != fault.name));
    let fired = behaviours().chain(alone).map(|known| (known.name, known.text));
    let engine = oracle::MARKS
        .iter()
        .map(|name| (*name, "a branch of the engine, as its reports and closes show"));
    let within = seedbed_engine::marks::NAMES.iter();
    let within = within.map(|name| (*name, "a branch within the engine, in how many runs it was taken"));
    let consequences = CONSEQUENCES.iter().copied();
    fired.chain(consequences).chain(engine).chain(within)
}

/// What a long sweep must have seen and has not, by its name: behaviours and faults that never fired, branches of the
/// engine that were never taken, and oracles that never had anything to look at, which therefore said nothing.
pub fn unseen(marks: &Marks, held: impl Fn(&str) -> u64) -> Vec<&'static str> {
    let rare = |name: &&str| oracle::RARE_MARKS.contains(name);
    let unmarked = self::marks()
        .map(|(name, _)| name)
        .filter(|name| marks.count(name) == 0);
    let mut unseen: Vec<_> = unmarked.filter(|name| !rare(name)).collect();
    unseen.extend(oracles().map(|(id, _)| id).filter(|id| held(id) == 0));
    unseen.dedup();
    unseen
}

/// Moments that a fault can wait for: names and meanings.
pub fn moments() -> impl Iterator<Item = (&'static str, &'static str)> {
    oracle::MOMENTS.iter().copied()
}
