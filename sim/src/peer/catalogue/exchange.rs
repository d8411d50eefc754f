//! What peers say in extended messages: rows PX, PB12, and one of PE.

use super::{Entry, Kind, Reaction, Scene, Trust, entry};
use crate::scenario::Area;

/// The rows.
pub(super) const ENTRIES: &[Entry] = &[
    entry(
        Area::Bitfield,
        (
            "dont-have",
            "PB12",
            "Says that it lost a piece (BEP 54).",
            "Asks others for it.",
        ),
        Kind::DontHave,
        Reaction::Kept,
        Scene::Serves,
        Trust::Fails,
    ),
    entry(
        Area::Bitfield,
        (
            "dont-have-odd",
            "PB12",
            "Says that it lost a piece that does not exist, or half a number.",
            "Closes.",
        ),
        Kind::DontHaveOdd,
        Reaction::Closed("does not exist"),
        Scene::Serves,
        Trust::Fails,
    ),
    entry(
        Area::Bitfield,
        (
            "takes-dont-have",
            "PB12",
            "Wants to be told of pieces that are lost.",
            "Tells it.",
        ),
        Kind::TakesDontHave,
        Reaction::Kept,
        Scene::Serves,
        Trust::Serves,
    ),
    entry(
        Area::Extensions,
        (
            "your-ip",
            "PE3",
            "Says what the engine's address is, as it sees it.",
            "Believes it when two say so.",
        ),
        Kind::YourIp,
        Reaction::Kept,
        Scene::Serves,
        Trust::Serves,
    ),
    entry(
        Area::Extensions,
        (
            "pex",
            "PX0",
            "Exchanges peers as BEP 11 wants.",
            "Dials whom it names, and names others to it.",
        ),
        Kind::Pex,
        Reaction::Kept,
        Scene::Serves,
        Trust::Serves,
    ),
    entry(
        Area::Extensions,
        ("pex-not-a-dict", "PX1", "Its peer exchange is a list.", "Closes."),
        Kind::PexNotDict,
        Reaction::Closed("not a dictionary"),
        Scene::Serves,
        Trust::Fails,
    ),
    entry(
        Area::Extensions,
        (
            "pex-huge",
            "PX1",
            "Its peer exchange is hundreds of KiB long.",
            "Closes.",
        ),
        Kind::PexHuge,
        Reaction::Closed("are allowed"),
        Scene::Serves,
        Trust::Fails,
    ),
    entry(
        Area::Extensions,
        (
            "pex-flood",
            "PX2",
            "Exchanges peers many times a minute.",
            "Closes, and takes no more than a list's worth.",
        ),
        Kind::PexFlood,
        Reaction::Closed("far more often than once a minute"),
        Scene::Serves,
        Trust::Fails,
    ),
    entry(
        Area::Extensions,
        (
            "pex-flags",
            "PX3",
            "Its lists have fewer flags than peers, more, or end in the middle of a peer.",
            "Takes whole peers; flags are hints.",
        ),
        Kind::PexFlags,
        Reaction::Kept,
        Scene::Serves,
        Trust::Serves,
    ),
    entry(
        Area::Extensions,
        (
            "pex-many",
            "PX4",
            "Names ten thousand addresses: the engine's, private ones, port 0, and strangers.",
            "Believes fifty, and dials none that it must not.",
        ),
        Kind::PexMany,
        Reaction::Kept,
        Scene::Serves,
        Trust::Serves,
    ),
    entry(
        Area::Extensions,
        (
            "pex-anyway",
            "PX5",
            "Exchanges peers although the engine takes none: as with a private torrent.",
            "Ignores it.",
        ),
        Kind::PexAnyway,
        Reaction::Kept,
        Scene::Serves,
        Trust::Serves,
    ),
    entry(
        Area::Extensions,
        (
            "pex-drops-unknown",
            "PX6",
            "Takes back peers that it never named.",
            "Ignores it.",
        ),
        Kind::PexDrops,
        Reaction::Kept,
        Scene::Serves,
        Trust::Serves,
    ),
];
