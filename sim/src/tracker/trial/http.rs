//! TH1 to TH17.

use super::{Demand, Plan, Trial, answered, check, complete, failed};
use crate::actor::{Actor, Cx, Input, Output};
use crate::marks::Marks;
use crate::scenario::Use;
use crate::tracker::TrackerHost;
use seedbed_engine::Report;
use seedbed_engine::id::ConnId;
use seedbed_engine::time::{Duration, Instant};

/// The download ended although the tracker failed so, between these seconds.
fn failed_between(trial: &Trial, text: &str, from: u64, to: u64) -> Result<(), String> {
    failed(trial, text)?;
    let at = trial.failures()[0].0.since(Instant::START).as_secs();
    if (from..=to).contains(&at) {
        Ok(())
    } else {
        Err(format!("failed after {at} s"))
    }
}

fn one_peer(trial: &Trial) -> Result<(), String> {
    complete(trial)?;
    answered(trial, 1)
}

/// Answered without peers; the next announce comes after this many seconds.
fn no_peers(trial: &Trial) -> Result<(), String> {
    answered(trial, 0)?;
    waits(trial, 1_800)
}

fn waits(trial: &Trial, secs: u64) -> Result<(), String> {
    let answers = trial.answers();
    let (at, _, next, _) = answers
        .first()
        .ok_or_else(|| format!("no answer: {:?}", trial.failures()))?;
    let wait = next.since(*at).as_secs();
    if wait == secs {
        Ok(())
    } else {
        Err(format!("waits {wait} s"))
    }
}

const ROWS: &[(&str, u64, Demand)] = &[
    ("http-refuse", 10, |trial| failed_between(trial, "refused", 0, 1)),
    ("http-reset", 20, |trial| failed(trial, "")),
    ("http-stall", 60, |trial| {
        failed_between(trial, "timed out", 9, 11)
    }),
    ("http-trickle", 60, |trial| {
        failed_between(trial, "timed out", 29, 31)
    }),
    ("http-status", 20, |trial| failed(trial, "503")),
    ("http-redirect-loop", 60, |trial| {
        failed(trial, "too many redirects")?;
        let asked = trial.announces().len();
        if asked <= 6 {
            Ok(())
        } else {
            Err(format!("asked {asked} times"))
        }
    }),
    ("http-redirect-away", 60, |trial| {
        failed(trial, "")?;
        let local = trial.engine().streams().any(|(_, to)| to.ip().is_loopback());
        if local {
            Err("talks to this machine".into())
        } else {
            Ok(())
        }
    }),
    ("http-endless-head", 60, |trial| {
        failed_between(trial, "too long", 0, 5)
    }),
    ("http-endless-line", 60, |trial| {
        failed_between(trial, "too long", 0, 5)
    }),
    ("http-endless-body", 60, |trial| {
        failed_between(trial, "too long", 0, 5)
    }),
    ("http-bad-chunk", 20, |trial| {
        failed(trial, "not a valid HTTP answer")
    }),
    ("http-bad-length", 20, |trial| {
        failed(trial, "not a valid HTTP answer")
    }),
    ("http-early-eof", 20, |trial| {
        failed(trial, "before the answer was whole")
    }),
    ("http-gzip-bomb", 20, |trial| failed(trial, "too long")),
    ("http-not-bencode", 20, |trial| failed(trial, "not bencoded")),
    ("http-list", 20, |trial| failed(trial, "no dictionary")),
    ("http-no-peers-key", 20, no_peers),
    ("http-failure", 20, |trial| {
        failed(trial, "refused: come back later")
    }),
    ("http-unregistered", 60, |trial| {
        failed(trial, "unregistered torrent")?;
        let (at, _, retry) = &trial.failures()[0];
        match retry {
            Some(retry) if retry.since(*at) >= Duration::from_secs(3_600) => Ok(()),
            retry => Err(format!("tried again at {retry:?}")),
        }
    }),
    ("http-warning", 20, |trial| {
        one_peer(trial)?;
        let warning = trial.answers()[0].3.clone();
        if warning.as_deref() == Some("this tracker moves house on Monday") {
            Ok(())
        } else {
            Err(format!("{warning:?}"))
        }
    }),
    ("http-ragged-peers", 20, no_peers),
    ("http-dict-peers", 120, |trial| {
        complete(trial)?;
        if trial.failures().is_empty() {
            Ok(())
        } else {
            Err(format!("{:?}", trial.failures()))
        }
    }),
    ("http-interval", 20, |trial| {
        one_peer(trial)?;
        waits(trial, 1_800)
    }),
    ("http-wrong-types", 20, |trial| {
        one_peer(trial)?;
        waits(trial, 1_800)
    }),
    ("http-keep-open", 20, |trial| {
        one_peer(trial)?;
        if trial
            .engine()
            .streams()
            .any(|(_, to)| to.port() == super::TRACKER_PORT)
        {
            return Err("the connection stays".into());
        }
        Ok(())
    }),
];

#[test]
fn each_http_misbehaviour_meets_its_reaction() {
    let rows: Vec<_> = ROWS
        .iter()
        .map(|(name, secs, demand)| (Use::new(name), *secs, *demand))
        .collect();
    check(&rows);
}

#[test]
fn the_parameters_of_http_misbehaviours_count() {
    let interval = |value| Use::new("http-interval").with("value", value);
    let away = |to| Use::new("http-redirect-away").with("to", to);
    check(&[
        (interval(0), 20, |trial| waits(trial, 1_800)),
        (interval(1), 20, |trial| waits(trial, 300)),
        (interval(-5), 20, |trial| waits(trial, 1_800)),
        (interval(i64::MAX), 20, |trial| waits(trial, 86_400)),
        (away(0), 60, |trial| failed(trial, "refused")),
        (away(1), 60, |trial| failed(trial, "it leads away from HTTP")),
        (away(2), 60, |trial| {
            failed(trial, "a global host may not redirect to a local one")
        }),
        (Use::new("http-status").with("code", 404), 20, |trial| {
            failed(trial, "404")
        }),
    ]);
}

#[test]
fn a_tracker_that_says_never_is_not_asked_again() {
    let mut trial = Plan::of(Use::new("http-failure").with("retry-in", -1)).build();
    trial.pass(24 * 3_600);
    assert_eq!(trial.announces().len(), 1);
    assert_eq!(trial.failures()[0].2, None);
    let mut later = Plan::of(Use::new("http-failure").with("retry-in", 7)).build();
    later.pass(600);
    let (at, _, retry) = later.failures()[0].clone();
    let wait = retry.expect("it says when").since(at);
    assert!((420..=480).contains(&wait.as_secs()), "{wait:?}");
}

#[test]
fn the_latest_tracker_id_is_given_back() {
    let mut plan = Plan::of(Use::new("http-tracker-id"));
    plan.with_good = false;
    plan.with_seed = false;
    let mut trial = plan.build();
    trial.pass(6_000);
    trial.always().expect("nothing else is wrong");
    let given: Vec<_> = trial
        .tracker()
        .tracker()
        .announces()
        .iter()
        .map(|announce| announce.tracker_id.clone())
        .collect();
    assert_eq!(given.len(), 4);
    assert_eq!(given[0], None);
    assert!(given[1].is_some() && given[2].is_some() && given[1] != given[2] && given[2] != given[3]);
}

#[test]
fn shutting_down_does_not_wait_for_a_tracker_that_stops_in_mid_answer() {
    let mut trial = Plan::of(Use::new("http-cut-stopped")).build();
    trial.pass(30);
    complete(&trial).expect("the tracker is honest until then");
    trial.command("shutdown");
    let asked = trial.world.now;
    trial.pass(30);
    let down = trial
        .engine()
        .reports()
        .find(|(_, report)| *report == Report::ShutDown);
    let took = down.expect("it shuts down").0.since(asked);
    assert!(took <= Duration::from_secs(6), "{took:?}");
    trial.always().expect("stopped was told once");
}

/// Engines scrape only when a user asks, so this row is shown on the tracker alone.
#[test]
fn a_scrape_about_another_torrent() {
    let mut trial = Plan::of(Use::new("http-scrape-other")).build();
    trial.pass(10);
    let mut tracker: TrackerHost = trial.tracker().clone();
    let (mut out, mut lines, mut marks) = (Vec::new(), Vec::new(), Marks::default());
    let stream = ConnId::accepted(9_999);
    let request = b"GET /scrape?info_hash=aaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\nHost: x\r\n\r\n";
    let from = "203.0.113.9:1".parse().expect("an address");
    for input in [
        Input::Accepted { stream, from },
        Input::Received {
            stream,
            data: request,
        },
    ] {
        let mut cx = Cx {
            now: trial.world.now,
            ip: from.ip(),
            out: &mut out,
            marks: &mut marks,
            lines: &mut lines,
        };
        tracker.handle(&mut cx, input);
    }
    assert_eq!(marks.count("http-scrape-other"), 1);
    let sent = out.iter().find_map(|output| match output {
        Output::Send { data, .. } => Some(data),
        _ => None,
    });
    assert!(
        sent.expect("an answer")
            .windows(20)
            .any(|window| window == [0xee; 20])
    );
}
