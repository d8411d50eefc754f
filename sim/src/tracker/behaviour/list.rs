//! The catalogue of what trackers do wrong: names, rows, what is demanded of the engine.

use crate::scenario::{Area, Behaviour};

const fn udp(name: &'static str, row: &'static str, text: &'static str, reaction: &'static str) -> Behaviour {
    Behaviour {
        name,
        row,
        area: Area::UdpTracker,
        text,
        reaction,
    }
}

const fn http(
    name: &'static str,
    row: &'static str,
    text: &'static str,
    reaction: &'static str,
) -> Behaviour {
    Behaviour {
        name,
        row,
        area: Area::HttpTracker,
        text,
        reaction,
    }
}

const fn both(
    name: &'static str,
    row: &'static str,
    text: &'static str,
    reaction: &'static str,
) -> Behaviour {
    Behaviour {
        name,
        row,
        area: Area::TrackerPolicy,
        text,
        reaction,
    }
}

/// Sent again as BEP 15 says.
const RETRIES: &str = "is ignored; the request is sent again after 15·2^n s";
/// The announce failed.
const FAILS: &str = "the announce fails, the next tracker is tried, this one again after a growing delay";
/// Interval rules.
const CLAMPS: &str = "the next regular announce comes no sooner than 300 s and no later than a day";

/// Everything that a tracker can do beside answering.
pub const BEHAVIOURS: &[Behaviour] = &[
    udp(
        "udp-silent",
        "TU1",
        "never answers",
        "sends again after 15·2^n s, then tries the next tracker",
    ),
    udp(
        "udp-connect-only",
        "TU2",
        "answers connects, never announces",
        "sends again after 15·2^n s, with a new connect when the id is older than 60 s",
    ),
    udp(
        "udp-wrong-transaction",
        "TU3",
        "answers with another transaction id",
        RETRIES,
    ),
    udp(
        "udp-other-source",
        "TU4",
        "answers from another address or port",
        RETRIES,
    ),
    udp("udp-wrong-action", "TU5", "answers with another action", RETRIES),
    udp(
        "udp-short",
        "TU6",
        "cuts its answers below their least length",
        RETRIES,
    ),
    udp(
        "udp-ragged",
        "TU7",
        "ends its peers in the middle of an entry",
        "the whole entries are used",
    ),
    udp(
        "udp-error",
        "TU8",
        "answers announces with an error and a text",
        "the text is shown, without its header; the announce fails",
    ),
    udp(
        "udp-error-mute",
        "TU8",
        "answers announces with an error without a text",
        FAILS,
    ),
    udp(
        "udp-duplicate",
        "TU9",
        "sends each answer twice",
        "the second is ignored",
    ),
    udp(
        "udp-late",
        "TU10",
        "answers only after the next attempt was sent",
        "one of the answers counts, once",
    ),
    udp(
        "udp-stale-id",
        "TU11",
        "says that a fresh connection id is unknown",
        "a new id is asked for, without a loop",
    ),
    udp(
        "udp-interval",
        "TU12",
        "names an absurd interval (`value` seconds)",
        CLAMPS,
    ),
    udp(
        "udp-many-peers",
        "TU13",
        "names 2,000 peers that do not exist, beside the real ones",
        "a bounded number is taken and tried",
    ),
    udp(
        "udp-repeat-peers",
        "TU13",
        "names each peer many times",
        "each counts once",
    ),
    udp(
        "udp-unusable-peers",
        "TU14",
        "names port 0, 0.0.0.0, multicast, loopback and the asker itself",
        "none of them is dialled",
    ),
    udp(
        "udp-refused",
        "TU15",
        "its port is closed: an ICMP message comes back",
        "the next tracker is tried at once",
    ),
    udp(
        "udp-corrupt",
        "TU16",
        "flips bits of its answers",
        "is ignored or fails; nothing breaks",
    ),
    udp(
        "udp-spoofed-flood",
        "TU17",
        "forged answers come before the true one, with guessed transaction ids",
        "the forged are ignored, the true one counts",
    ),
    udp(
        "udp-huge",
        "TU18",
        "fills its answers up to 65,507 bytes",
        "a bounded number of peers is taken",
    ),
    http(
        "http-refuse",
        "TH1",
        "its port is closed",
        "the next tracker is tried at once",
    ),
    http("http-reset", "TH1", "resets each connection", FAILS),
    http(
        "http-stall",
        "TH1",
        "takes the request and says nothing",
        "is given up after 10 s",
    ),
    http(
        "http-trickle",
        "TH2",
        "sends a byte a second",
        "is given up after 30 s in all",
    ),
    http("http-status", "TH3", "answers with an HTTP error (`code`)", FAILS),
    http(
        "http-redirect-loop",
        "TH3",
        "redirects to itself",
        "at most 5 redirects are followed",
    ),
    http(
        "http-redirect-away",
        "TH3",
        "redirects to a port without a server, to udp, or to this machine (`to` 0, 1, 2)",
        "no local service is reached, no other scheme",
    ),
    http(
        "http-endless-head",
        "TH4",
        "sends headers without end",
        "is given up at the limit of the head",
    ),
    http(
        "http-endless-line",
        "TH4",
        "sends one header line without end",
        "is given up at the limit of the head",
    ),
    http(
        "http-endless-body",
        "TH4",
        "sends a body without end",
        "is given up at 1 MiB",
    ),
    http("http-bad-chunk", "TH5", "breaks the chunked coding", FAILS),
    http(
        "http-bad-length",
        "TH5",
        "says a Content-Length that is no number",
        FAILS,
    ),
    http("http-early-eof", "TH5", "ends before its Content-Length", FAILS),
    http(
        "http-gzip-bomb",
        "TH6",
        "inflates to 16 MiB",
        "is given up at 1 MiB",
    ),
    http("http-not-bencode", "TH7", "answers with a web page", FAILS),
    http("http-list", "TH7", "answers with a list", FAILS),
    http(
        "http-no-peers-key",
        "TH7",
        "leaves `peers` out",
        "counts as no peers; the interval holds",
    ),
    http(
        "http-failure",
        "TH8",
        "refuses with a reason (`retry-in` minutes, -1 for never)",
        "the reason is shown; tried again when the tracker says, or not at all",
    ),
    http(
        "http-unregistered",
        "TH8",
        "refuses: unregistered torrent",
        "tried again after an hour at the earliest",
    ),
    http(
        "http-warning",
        "TH9",
        "answers with a warning",
        "the warning is shown, the answer counts",
    ),
    http(
        "http-ragged-peers",
        "TH10",
        "its compact peers are no multiple of 6 bytes",
        "no peer is taken of the string; the interval holds",
    ),
    http(
        "http-dict-peers",
        "TH11",
        "names peers as dictionaries, bad ones among them",
        "the good ones are used",
    ),
    http(
        "http-interval",
        "TH12",
        "names an absurd interval (`value` seconds), or none (no `value`)",
        "1800 s if there is none, else between 300 s and a day",
    ),
    http(
        "http-tracker-id",
        "TH13",
        "gives another `tracker id` each time",
        "the latest is sent back",
    ),
    http(
        "http-scrape-other",
        "TH14",
        "answers a scrape about another torrent",
        "the scrape fails",
    ),
    http(
        "http-wrong-types",
        "TH15",
        "its numbers are strings, its strings numbers",
        "what has the wrong type counts as absent; digits in a string are read",
    ),
    http(
        "http-keep-open",
        "TH16",
        "leaves the connection open after its answer",
        "the answer ends by its length, the connection is closed",
    ),
    http(
        "http-cut-stopped",
        "TH17",
        "stops in the middle of its answer to `stopped`",
        "shutting down is not held up beyond 5 s",
    ),
    both(
        "tracker-dead",
        "TP1",
        "does not answer at all",
        "all tiers are tried, with delays of an hour at the most",
    ),
    both(
        "tracker-dies",
        "TP2",
        "answers the first announces (`answers`), then dies",
        "the next tracker is used",
    ),
    both(
        "tracker-flaps",
        "TP3",
        "is there for a minute, then away for a minute",
        "no announce comes sooner than the least interval",
    ),
    both(
        "tracker-no-peers",
        "TP4",
        "knows nobody",
        "the interval holds; no faster retry",
    ),
    both(
        "tracker-dead-peers",
        "TP5",
        "knows only peers that are not there",
        "they are dialled within limits; no early announce",
    ),
    both(
        "tracker-only-us",
        "TP6",
        "knows only the asker",
        "no connection to itself",
    ),
    both(
        "tracker-short-interval",
        "TP9",
        "names an interval of a second and a longer least interval",
        "the longer of the two holds, and 300 s at the least",
    ),
    both(
        "dns-missing",
        "TP8",
        "its name does not exist",
        "the next tracker is tried; the name is looked up again after a delay",
    ),
    both(
        "dns-silent",
        "TP8",
        "lookups of its name are never answered",
        "is given up after a time; the next tracker is tried",
    ),
    both(
        "dns-slow",
        "TP8",
        "lookups of its name take long (`by`)",
        "waits, or gives up and tries the next tracker",
    ),
    both(
        "dns-changes",
        "TP8",
        "its name leads to nobody for some lookups (`lookups`), then to it",
        "each announce follows what the name means at the time",
    ),
    both(
        "dns-only-v6",
        "TP8",
        "its name has only IPv6 addresses",
        "without IPv6 the next tracker is tried",
    ),
    both(
        "dns-many",
        "TP8",
        "its name has 50 addresses where nobody is, and its own among them",
        "a bounded number of addresses is tried",
    ),
];

/// Whether a tracker that does this answers well and names peers that lead to nobody: a client stays with it. `some_v6`:
/// whether some peers are named in a list of IPv6.
pub fn misleads(name: &str, some_v6: bool) -> bool {
    match name {
        // what is left of a corrupted list may be addresses
        "tracker-dead-peers" | "tracker-only-us" | "udp-corrupt" => true,
        // the list of IPv4 is cut, the one beside it is not, and an engine may have no way to those (BEP 7)
        "http-ragged-peers" => some_v6,
        _ => false,
    }
}

/// Whether an honest client may learn no peer at all from a tracker that does this all the time. A run whose trackers
/// all do such things cannot be expected to finish by trackers alone.
pub fn blocks_peers(name: &str) -> bool {
    matches!(
        name,
        "udp-silent"
            | "udp-connect-only"
            | "udp-wrong-transaction"
            | "udp-other-source"
            | "udp-wrong-action"
            | "udp-short"
            | "udp-error"
            | "udp-error-mute"
            | "udp-stale-id"
            | "udp-refused"
            | "udp-corrupt"
            | "udp-huge"
            | "http-refuse"
            | "http-reset"
            | "http-stall"
            | "http-trickle"
            | "http-status"
            | "http-redirect-loop"
            | "http-redirect-away"
            | "http-endless-head"
            | "http-endless-line"
            | "http-endless-body"
            | "http-bad-chunk"
            | "http-bad-length"
            | "http-early-eof"
            | "http-gzip-bomb"
            | "http-not-bencode"
            | "http-list"
            | "http-no-peers-key"
            | "http-failure"
            | "http-unregistered"
            | "http-ragged-peers"
            | "tracker-dead"
            | "tracker-flaps"
            | "tracker-no-peers"
            | "tracker-dead-peers"
            | "tracker-only-us"
            | "dns-missing"
            | "dns-silent"
            | "dns-slow"
            | "dns-changes"
            | "dns-only-v6"
            | "dns-many"
    )
}
