//! The catalogue of bad .torrent files, and what a reader has to make of each.

use super::{Defect, Verdict};
use crate::scenario::{Area, Behaviour};

const fn row(name: &'static str, row: &'static str, text: &'static str, reaction: &'static str) -> Behaviour {
    Behaviour {
        name,
        row,
        area: Area::Metainfo,
        text,
        reaction,
    }
}

const REFUSED: &str = "refused with a sentence";
const SAME: &str = "read; the info-hash is that of the bytes as they are";
const SAFE: &str = "read; nothing is created outside of the output folder, no two files share a path";

/// Everything that can be wrong with a .torrent file.
pub const BEHAVIOURS: &[Behaviour] = &[
    row(
        "torrent-truncated",
        "MI1",
        "ends early (`percent` of it is left)",
        REFUSED,
    ),
    row("torrent-not-bencoded", "MI1", "is a web page", REFUSED),
    row("torrent-empty", "MI1", "has no byte", REFUSED),
    row("torrent-trailing", "MI1", "has bytes behind its end", SAME),
    row("torrent-list", "MI1", "is a list", REFUSED),
    row("torrent-no-info", "MI1", "has no `info`", REFUSED),
    row(
        "torrent-int-overflow",
        "MI2",
        "says a length beyond 64 bits",
        REFUSED,
    ),
    row(
        "torrent-sum-overflow",
        "MI2",
        "has files whose lengths overflow when added",
        REFUSED,
    ),
    row(
        "torrent-negative-length",
        "MI2",
        "says a negative length",
        REFUSED,
    ),
    row(
        "torrent-leading-zeros",
        "MI2",
        "writes its length with leading zeros",
        SAME,
    ),
    row("torrent-nesting", "MI2", "nests lists `depth` deep", REFUSED),
    row("torrent-tokens", "MI2", "has millions of values", REFUSED),
    row(
        "torrent-pieces-ragged",
        "MI3",
        "`pieces` is no multiple of 20 bytes",
        REFUSED,
    ),
    row("torrent-pieces-few", "MI3", "has a hash too few", REFUSED),
    row("torrent-pieces-many", "MI3", "has a hash too many", REFUSED),
    row(
        "torrent-path-up",
        "MI4",
        "leads out of its folder with `..`",
        SAFE,
    ),
    row(
        "torrent-path-separator",
        "MI4",
        "has separators of two systems within an element",
        SAFE,
    ),
    row(
        "torrent-path-nul",
        "MI4",
        "has NUL and control characters in a path",
        SAFE,
    ),
    row("torrent-path-empty", "MI4", "has empty path elements", SAFE),
    row("torrent-path-none", "MI4", "has a file without a path", REFUSED),
    row("torrent-path-device", "MI4", "names devices of Windows", SAFE),
    row("torrent-path-long", "MI4", "has an element of 5,000 bytes", SAFE),
    row(
        "torrent-path-collision",
        "MI4",
        "has files that differ in letter case only, and a file that is also a folder",
        SAFE,
    ),
    row("torrent-path-absolute", "MI4", "begins a path at the root", SAFE),
    row(
        "torrent-name-hostile",
        "MI4",
        "its name leads out of the output folder",
        SAFE,
    ),
    row(
        "torrent-piece-length-zero",
        "MI5",
        "has pieces of no byte",
        REFUSED,
    ),
    row(
        "torrent-piece-length-huge",
        "MI5",
        "has pieces of a tebibyte",
        REFUSED,
    ),
    row(
        "torrent-piece-length-missing",
        "MI5",
        "does not say how long its pieces are",
        REFUSED,
    ),
    row("torrent-total-zero", "MI5", "has no content", REFUSED),
    row("torrent-zero-file", "MI5", "has files of no byte", SAFE),
    row(
        "torrent-info-noncanonical",
        "MI6",
        "`info` is unsorted, with leading zeros and unknown keys",
        SAME,
    ),
    row(
        "torrent-unsorted-keys",
        "MI7",
        "its outer keys are unsorted",
        SAME,
    ),
    row(
        "torrent-duplicate-comment",
        "MI7",
        "has a harmless key twice",
        SAME,
    ),
    row(
        "torrent-duplicate-info",
        "MI7",
        "has `info` twice, so that clients would read different torrents",
        REFUSED,
    ),
    row(
        "torrent-decorated",
        "MI8",
        "says more than it has to, some of it of no use: tiers, web seeds, nodes, dates, words",
        SAME,
    ),
    row(
        "torrent-attributes",
        "MI8",
        "has files with attributes, and one that stands for another",
        SAFE,
    ),
    row(
        "torrent-hybrid",
        "MI9",
        "is one of v1 and v2 that say the same",
        SAME,
    ),
    row(
        "torrent-hybrid-other",
        "MI9",
        "is one of v1 and v2 that say different things (`differs`: 0 to 9)",
        REFUSED,
    ),
    row("torrent-v2-only", "MI9", "is one of v2 alone", REFUSED),
    row(
        "torrent-duplicate-length",
        "MI7",
        "has a decisive key of `info` twice",
        REFUSED,
    ),
];

/// What a reader has to make of a mutation.
pub(super) fn verdict(name: &str) -> Option<Verdict> {
    let defects: &'static [Defect] = match name {
        "torrent-truncated"
        | "torrent-not-bencoded"
        | "torrent-empty"
        | "torrent-nesting"
        | "torrent-tokens" => &[Defect::Bencode],
        "torrent-list" | "torrent-no-info" => &[Defect::Root],
        "torrent-int-overflow" => &[Defect::Bencode, Defect::Length],
        "torrent-sum-overflow" => &[Defect::Length, Defect::Sizes],
        "torrent-negative-length" => &[Defect::Length],
        "torrent-pieces-ragged" | "torrent-pieces-few" | "torrent-pieces-many" => &[Defect::Pieces],
        "torrent-path-none" => &[Defect::Path],
        "torrent-piece-length-zero"
        | "torrent-piece-length-huge"
        | "torrent-piece-length-missing"
        | "torrent-total-zero" => &[Defect::Sizes],
        "torrent-hybrid-other" | "torrent-v2-only" => &[Defect::V2],
        "torrent-duplicate-info" | "torrent-duplicate-length" => &[Defect::Twice],
        _ => {
            let known = BEHAVIOURS.iter().any(|known| known.name == name);
            return known.then_some(Verdict::Accepted);
        }
    };
    Some(Verdict::Refused(defects))
}
