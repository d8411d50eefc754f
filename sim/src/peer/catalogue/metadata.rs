//! Metadata (rows PE4 and PE5): what comes out where the engine begins with a link.

use super::{Entry, Kind, Reaction, Scene, Trust, entry};
use crate::scenario::Area;

const fn link(
    name: &'static str,
    row: &'static str,
    (text, answer): (&'static str, &'static str),
    kind: Kind,
    reaction: Reaction,
    trust: Trust,
) -> Entry {
    let words = (name, row, text, answer);
    entry(Area::Extensions, words, kind, reaction, Scene::Link, trust)
}

pub(super) const ENTRIES: &[Entry] = &[
    link(
        "metadata-size",
        "PE4",
        (
            "Claims metadata of 2^40 bytes, or as many as it is told.",
            "Asks it for nothing when there cannot be so many, and never believes them.",
        ),
        Kind::MetadataSize,
        Reaction::Completes,
        Trust::Fails,
    ),
    link(
        "metadata-wrong",
        "PE4",
        (
            "Gives metadata with flipped bits.",
            "Forgets it, bans who alone gave it, and asks one peer at a time when several did.",
        ),
        Kind::MetadataWrong,
        Reaction::Banned,
        Trust::Lies,
    ),
    link(
        "metadata-rejects",
        "PE4",
        (
            "Refuses every piece of metadata.",
            "Asks others, and it again after a minute.",
        ),
        Kind::MetadataRejects,
        Reaction::Kept,
        Trust::Fails,
    ),
    link(
        "metadata-silent",
        "PE4",
        (
            "Claims to have metadata and never gives any.",
            "Asks others after three seconds.",
        ),
        Kind::MetadataSilent,
        Reaction::Kept,
        Trust::Fails,
    ),
    link(
        "metadata-unrequested",
        "PE4",
        ("Sends a piece of metadata that nobody asked for.", "Closes."),
        Kind::MetadataUnrequested,
        Reaction::Closed("which was never requested"),
        Trust::Fails,
    ),
    link(
        "metadata-total",
        "PE4",
        (
            "Says another size with a piece of metadata than in its handshake.",
            "Closes.",
        ),
        Kind::MetadataTotal,
        Reaction::Closed("said that the metadata has"),
        Trust::Fails,
    ),
    link(
        "metadata-short",
        "PE4",
        ("Sends pieces of metadata that lack a byte.", "Closes."),
        Kind::MetadataShort,
        Reaction::Closed("of the metadata, which has"),
        Trust::Fails,
    ),
    link(
        "metadata-huge",
        "PE5",
        ("Sends a metadata message of 18 KiB.", "Closes."),
        Kind::MetadataHuge,
        Reaction::Closed("metadata message of"),
        Trust::Fails,
    ),
    link(
        "metadata-nonsense",
        "PE4",
        ("Answers with a list where a dictionary belongs.", "Closes."),
        Kind::MetadataNonsense,
        Reaction::Closed("metadata message that says nothing"),
        Trust::Fails,
    ),
    link(
        "metadata-unknown-kind",
        "PE4",
        (
            "Sends a metadata message of a kind that BEP 9 does not know.",
            "Ignores it.",
        ),
        Kind::MetadataUnknown,
        Reaction::Kept,
        Trust::Serves,
    ),
    link(
        "metadata-bad-requests",
        "PE4",
        (
            "Requests metadata that there is not, or not yet.",
            "Refuses each request.",
        ),
        Kind::MetadataBadRequests,
        Reaction::Kept,
        Trust::Serves,
    ),
    link(
        "metadata-resized",
        "PE4",
        (
            "Claims another size in a second handshake.",
            "Keeps what comes by the size that it was asked under.",
        ),
        Kind::MetadataResized,
        Reaction::Completes,
        Trust::Fails,
    ),
    entry(
        Area::Extensions,
        (
            "metadata-flood",
            "PE4",
            "Requests one piece of metadata thousands of times.",
            "Serves as many as it queues and refuses the rest.",
        ),
        Kind::MetadataFlood,
        Reaction::Kept,
        Scene::Fetches,
        Trust::Fails,
    ),
    entry(
        Area::Extensions,
        (
            "fetches-metadata",
            "PE4",
            "Fetches the metadata of the engine.",
            "Gives all of it, right.",
        ),
        Kind::FetchesMetadata,
        Reaction::Kept,
        Scene::Fetches,
        Trust::Serves,
    ),
];
