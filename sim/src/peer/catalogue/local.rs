//! What peers say to the local network: rows LS.

use super::{Entry, Kind, Reaction, Scene, Trust, entry};
use crate::scenario::Area;

/// The rows.
pub(super) const ENTRIES: &[Entry] = &[
    entry(
        Area::Local,
        (
            "lsd",
            "LS0",
            "Announces the torrent to the local network, as BEP 14 wants.",
            "Dials it.",
        ),
        Kind::Lsd,
        Reaction::Kept,
        Scene::Serves,
        Trust::Serves,
    ),
    entry(
        Area::Local,
        (
            "lsd-bad-packet",
            "LS1",
            "Its announces are garbage, cut, of another protocol, too long, or without an info-hash.",
            "Ignores them.",
        ),
        Kind::LsdBad,
        Reaction::Kept,
        Scene::Serves,
        Trust::Serves,
    ),
    entry(
        Area::Local,
        (
            "lsd-bad-port",
            "LS2",
            "Announces itself at port 0, at one that is too large, or at none.",
            "Ignores it.",
        ),
        Kind::LsdPort,
        Reaction::Kept,
        Scene::Serves,
        Trust::Serves,
    ),
    entry(
        Area::Local,
        (
            "lsd-flood",
            "LS3",
            "Announces itself a hundred times at once, each time at another port.",
            "Looks at thirty, and keeps three ports of it.",
        ),
        Kind::LsdFlood,
        Reaction::Kept,
        Scene::Serves,
        Trust::Serves,
    ),
    entry(
        Area::Local,
        (
            "lsd-many",
            "LS4",
            "Announces the torrent among 25 others, in capital letters.",
            "Finds it, and dials.",
        ),
        Kind::LsdMany,
        Reaction::Kept,
        Scene::Serves,
        Trust::Serves,
    ),
    entry(
        Area::Local,
        (
            "lsd-spoofed",
            "LS5",
            "Its announces claim to come from this machine, from nobody, from a group, from another link.",
            "Ignores them: nobody there is a neighbour.",
        ),
        Kind::LsdSpoofed,
        Reaction::Kept,
        Scene::Serves,
        Trust::Serves,
    ),
];
