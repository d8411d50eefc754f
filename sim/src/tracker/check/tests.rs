//! Clients that break one rule each, in made-up logs.

use super::*;
use crate::tracker::{AnnounceEvent, Transport};
use AnnounceEvent::{Completed, None as Plain, Started, Stopped};

const CLIENT: &str = "203.0.113.1:6881";
const HOUR: Answered = Answered::Well {
    interval: Duration::from_secs(3_600),
    least: Duration::ZERO,
};

fn rules() -> Rules {
    Rules {
        floor: Duration::from_secs(300),
        asked_floor: Duration::from_secs(60),
        ceiling: Duration::from_secs(86_400),
        asked: false,
        slack: Duration::from_secs(1),
        clean: true,
        ordered: true,
        may_lose: false,
        garbled: false,
        links: false,
    }
}

fn heard(secs: u64, what: What) -> Heard {
    Heard {
        at: Instant::from_secs(secs),
        from: CLIENT.parse().expect("an address"),
        what,
    }
}

/// An announce over HTTP: when, event, downloaded, left.
fn said(secs: u64, event: AnnounceEvent, downloaded: u64, left: u64) -> Heard {
    let announce = Announce {
        at: Instant::from_secs(secs),
        from: CLIENT.parse().expect("an address"),
        transport: Transport::Http,
        info_hash: [1; 20],
        peer_id: [2; 20],
        port: 6881,
        uploaded: 0,
        downloaded,
        left,
        event,
        num_want: None,
        key: Some(7),
        tracker_id: None,
        accepted: true,
    };
    let (connection, answered) = (None, HOUR);
    heard(
        secs,
        What::Announce {
            announce,
            connection,
            answered,
        },
    )
}

fn connect(secs: u64, given: Option<u64>) -> Heard {
    let transaction = secs as u32;
    heard(
        secs,
        What::Connect {
            transaction,
            given,
            silent: given.is_none(),
        },
    )
}

fn with_key(mut heard: Heard, changed: u32) -> Heard {
    if let What::Announce { announce, .. } = &mut heard.what {
        announce.key = Some(changed);
    }
    heard
}

fn over_udp(mut heard: Heard, id: u64, transaction: u32) -> Heard {
    if let What::Announce { connection, .. } = &mut heard.what {
        *connection = Some((id, transaction));
    }
    heard
}

/// The sentences must contain these, one each.
fn check(log: &[Heard], wanted: &[&str]) {
    let found = violations(log, &rules());
    assert_eq!(found.len(), wanted.len(), "{found:?}");
    for ((_, text), wanted) in found.iter().zip(wanted) {
        assert!(text.contains(wanted), "{text:?} is not about {wanted:?}");
    }
}

#[test]
fn a_good_life_is_in_order() {
    let life = [
        said(0, Started, 0, 9),
        said(3_600, Plain, 4, 5),
        said(4_000, Completed, 9, 0),
        said(7_600, Plain, 9, 0),
        said(7_700, Stopped, 9, 0),
        said(7_701, Started, 0, 0),
        said(7_710, Stopped, 0, 0),
    ];
    check(&life, &[]);
}

#[test]
fn events_have_an_order() {
    check(&[said(0, Plain, 0, 9)], &["not started"]);
    check(&[said(0, Stopped, 0, 9)], &["without started"]);
    check(
        &[said(0, Started, 0, 9), said(400, Started, 0, 9)],
        &["started came again"],
    );
    check(
        &[
            said(0, Started, 0, 9),
            said(5, Stopped, 0, 9),
            said(8, Stopped, 0, 9),
        ],
        &["stopped came again"],
    );
    check(
        &[
            said(0, Started, 0, 9),
            said(5, Completed, 9, 0),
            said(50, Completed, 9, 0),
        ],
        &["completed came again"],
    );
    check(
        &[said(0, Started, 0, 0), said(5, Completed, 0, 0)],
        &["had everything"],
    );
    check(
        &[said(0, Started, 0, 9), said(5, Completed, 5, 4)],
        &["4 bytes left"],
    );
}

#[test]
fn regular_announces_keep_their_distance() {
    check(
        &[said(0, Started, 0, 9), said(3_590, Plain, 0, 9)],
        &["after 3590 s, not after 3600 s"],
    );
    let storm: Vec<Heard> = (0..19)
        .map(|n| said(n / 2, if n == 0 { Started } else { Stopped }, 0, 9))
        .collect();
    assert!(
        violations(&storm, &rules())
            .iter()
            .any(|(_, text)| text.contains("within 14 s"))
    );
}

#[test]
fn keys_and_figures_stay_what_they_are() {
    check(
        &[said(0, Started, 0, 9), with_key(said(3_600, Plain, 0, 9), 8)],
        &["key"],
    );
    check(
        &[said(0, Started, 4, 9), said(3_600, Plain, 3, 9)],
        &["downloaded fell from 4 to 3"],
    );
    check(
        &[said(0, Started, 0, 9), said(3_600, Plain, 0, 10)],
        &["left grew from 9 to 10"],
    );
    check(
        &[said(0, Started, 0, 9), said(3_600, Plain, 1, 5)],
        &["only 1 were downloaded"],
    );
}

#[test]
fn a_connection_id_lasts_a_minute_and_belongs_to_whom_it_was_given() {
    let log = |secs, id| [connect(0, Some(5)), over_udp(said(secs, Started, 0, 9), id, 1)];
    check(&log(60, 5), &[]);
    check(&log(63, 5), &["63 s after"]);
    check(&log(3, 6), &["never given"]);
}

#[test]
fn unanswered_datagrams_follow_the_schedule() {
    let log = |times: &[u64]| times.iter().map(|secs| connect(*secs, None)).collect::<Vec<_>>();
    check(
        &log(&[0, 15, 45, 105, 225, 465, 945, 1_905, 3_825, 7_683, 7_698]),
        &[],
    );
    check(&log(&[0, 15, 30, 45]), &[]);
    check(&log(&[0, 15, 30, 45, 60, 75, 90]), &["without growing gaps"]);
    check(&log(&[0, 3, 6, 9, 12, 15]), &["closer than 15 s"]);
    check(&log(&[0, 40, 80, 120, 160, 200]), &["15·2^n"]);
}

#[test]
fn a_repeated_transaction_is_the_networks_doing_if_it_has_any() {
    let log = [connect(5, Some(1)), connect(5, Some(1))];
    check(&log, &["repeats"]);
    let lossy = Rules {
        clean: false,
        ..rules()
    };
    assert!(violations(&log, &lossy).is_empty());
}

#[test]
fn figures_are_those_that_the_client_had() {
    let had = |secs, downloaded, left| {
        (
            Instant::from_secs(secs),
            Figures {
                uploaded: 0,
                downloaded,
                left,
            },
        )
    };
    let history = [had(0, 0, 9), had(10, 4, 5), had(20, 9, 0)];
    let client = "203.0.113.1".parse().expect("an address");
    let good = [
        said(1, Started, 0, 9),
        said(15, Plain, 0, 9),
        said(21, Completed, 9, 0),
        said(22, Stopped, 9, 0),
        said(23, Started, 0, 0),
    ];
    assert_eq!(inexact(&good, client, &history), []);
    assert_eq!(inexact(&[said(15, Started, 9, 0)], client, &history).len(), 1);
    assert_eq!(inexact(&[said(15, Started, 3, 6)], client, &history).len(), 1);
}
