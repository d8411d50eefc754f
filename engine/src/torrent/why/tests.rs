//! Weights, their order, and sentences with the numbers that the simulator's worlds do not show.

use super::units::{Bytes, Span};
use super::{Cause, FailingTracker, Weight, headline};
use crate::candidates::Trouble;
use crate::disk::DiskFault;
use crate::id::PieceIndex;
use crate::time::Duration;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn choked(peers: usize, useful: usize, choking: usize) -> Cause {
    Cause::AllChokeUs {
        peers,
        useful,
        choking,
        longest: secs(360),
    }
}

fn lacking(pieces: u32, missing: u32, peers: usize) -> Cause {
    Cause::NobodyHasPieces {
        pieces,
        some: (0..pieces.min(5)).map(|n| PieceIndex(n + 7)).collect(),
        missing,
        peers,
    }
}

fn banned(others: usize) -> Cause {
    Cause::BannedPeers {
        banned: 2,
        bad_piece: 1,
        ends_in: secs(7200),
        others,
    }
}

fn trackers(count: u64, known: usize) -> Cause {
    let each = (0..count).map(|n| FailingTracker {
        url: alloc::format!("udp://t{n}/announce"),
        said: (n > 0).then(|| String::from("no")),
        asked_for: (n == 0).then(|| secs(75)),
        next_in: (n > 0).then(|| secs(240 + n)),
    });
    Cause::TrackersFailing {
        each: each.collect(),
        trackers: count as usize,
        known,
    }
}

fn silent(silent: usize, serving: usize) -> Cause {
    Cause::Snubbed {
        silent,
        serving,
        longest: secs(90),
    }
}

fn wrong(hopeless: u32, missing: u32) -> Cause {
    Cause::HashFailures {
        pieces: hopeless.max(2),
        piece: PieceIndex(9),
        failures: 4,
        hopeless,
        retry_in: (hopeless > 0).then(|| secs(60)),
        missing,
    }
}

const fn disk(fault: DiskFault, retry_in: Option<Duration>) -> Cause {
    Cause::Disk {
        fault,
        text: String::new(),
        retry_in,
        missing: 2_254_857_830,
    }
}

#[test]
fn a_cause_weighs_what_it_stops() {
    let cases = [
        (banned(0), Weight::Stops),
        (banned(3), Weight::Hint),
        (trackers(2, 0), Weight::Stops),
        (trackers(2, 5), Weight::Hint),
        (lacking(3, 3, 2), Weight::Stops),
        (lacking(3, 10, 2), Weight::StopsPart),
        (wrong(1, 1), Weight::Stops),
        (wrong(1, 5), Weight::StopsPart),
        (wrong(0, 5), Weight::Slows),
        (silent(2, 2), Weight::Stops),
        (silent(1, 2), Weight::Slows),
        (choked(3, 2, 2), Weight::Stops),
        (Cause::Private, Weight::Hint),
    ];
    for (cause, weight) in cases {
        assert_eq!(cause.weight(), weight, "{cause}");
    }
    let mut causes = [Cause::Private, lacking(1, 9, 2), silent(1, 2), choked(2, 2, 2)];
    causes.sort_by_key(Cause::weight);
    let codes: Vec<_> = causes.iter().map(Cause::code).collect();
    assert_eq!(codes, ["choked", "pieces-unavailable", "peers-silent", "private"]);
}

#[test]
fn sentences_about_peers_have_their_numbers_right() {
    let cases = [
        (
            choked(14, 14, 14),
            "14 peers connected, 14 choke us, the longest for 6 min",
        ),
        (choked(1, 1, 1), "1 peer connected, 1 chokes us for 6 min"),
        (
            choked(9, 1, 4),
            "9 peers connected, 1 has pieces that are missing here and it chokes us for 6 min",
        ),
        (
            choked(9, 3, 4),
            "9 peers connected, 3 have pieces that are missing here and all of them choke us, the longest for 6 min",
        ),
        (lacking(1, 9, 4), "1 piece that nobody connected has (7)"),
        (
            lacking(9, 20, 4),
            "9 pieces that nobody connected has (7, 8, 9, 10, 11 and others)",
        ),
        (
            lacking(1, 1, 4),
            "none of 4 connected peers has the last missing piece (7)",
        ),
    ];
    for (cause, text) in cases {
        assert_eq!(cause.to_string(), text);
    }
}

#[test]
fn sentences_about_contacts_have_their_numbers_right() {
    let unreachable = |known, dialling| Cause::NotReachable {
        known,
        troubles: [(Trouble::Refused, 3), (Trouble::TimedOut, 2)].to_vec(),
        dialling,
        retry_in: None,
    };
    let cases = [
        (
            unreachable(5, 0),
            "none of 5 known peers can be reached: connection refused (3), no answer (2)",
        ),
        (
            unreachable(5, 2),
            "none of 5 known peers can be reached: connection refused (3), no answer (2); trying 2 of them again",
        ),
        (
            trackers(3, 0),
            "all 3 trackers fail: udp://t0/announce has not answered for 1 min 15 s; udp://t1/announce: no; and 1 more",
        ),
        (
            Cause::Local {
                text: "no handle".into(),
                peers: 3,
            },
            "3 peers connected, and this machine cannot connect to more: no handle",
        ),
        (banned(4), "2 peers are banned for wrong data"),
        (
            wrong(1, 5),
            "piece 9 came with wrong data 4 times, whoever sent it",
        ),
        (wrong(0, 5), "2 pieces came with wrong data, piece 9 4 times"),
        (
            silent(2, 3),
            "2 of 3 peers that do not choke us have sent nothing of what we asked for, the longest for 1 min 30 s",
        ),
        (
            Cause::PortUnreachable {
                port: 6881,
                since: secs(1500),
                dialled: 12,
            },
            "nobody has connected to us in 25 min, while we connected to 12 peers: port 6881 may not be reachable",
        ),
    ];
    for (cause, text) in cases {
        assert_eq!(cause.to_string(), text);
    }
}

#[test]
fn next_steps_say_when_and_what() {
    let cases = [
        (trackers(3, 0), "a tracker is asked again in 4 min 1 s"),
        (
            trackers(1, 0),
            "an answer is waited for, and asked for again from time to time",
        ),
        (
            disk(DiskFault::Full, Some(secs(12))),
            "free up to 2.1 GiB on that disk; it is tried again by itself in 12 s",
        ),
        (
            disk(DiskFault::InTheWay, None),
            "move it away, then start it again",
        ),
        (
            banned(1),
            "add other trackers or peers (--peer); the first ban ends in 2 h",
        ),
    ];
    for (cause, text) in cases {
        assert_eq!(cause.next_step(), text);
    }
}

#[test]
fn pieces_that_nobody_has_are_told_beside_what_peers_do() {
    assert_eq!(
        headline(&[choked(14, 14, 14), lacking(3, 9, 14), Cause::Private]).as_deref(),
        Some(
            "14 peers connected, 14 choke us, the longest for 6 min; 3 pieces that nobody connected has (7, 8 and 9)"
        )
    );
    assert_eq!(
        headline(&[Cause::Paused, lacking(3, 9, 1)]).as_deref(),
        Some("it is paused")
    );
    assert_eq!(headline(&[]), None);
}

#[test]
fn times_and_sizes_are_short() {
    let spans = [
        (Duration::from_millis(300), "1 s"),
        (secs(59), "59 s"),
        (secs(60), "1 min"),
        (secs(599), "9 min 59 s"),
        (secs(601), "10 min"),
        (secs(3600), "1 h"),
        (secs(9000), "2 h 30 min"),
    ];
    for (span, text) in spans {
        assert_eq!(Span(span).to_string(), text);
    }
    let sizes = [
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1_048_575, "1.0 MiB"),
        (u64::MAX, "16777216.0 TiB"),
    ];
    for (size, text) in sizes {
        assert_eq!(Bytes(size).to_string(), text);
    }
}
