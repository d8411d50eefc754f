//! TU1 to TU18.

use super::{Demand, Plan, Trial, answered, check, complete, failed};
use crate::scenario::Use;
use seedbed_engine::time::Instant;
use std::net::IpAddr;

/// Sent at 0, 15, 45, 105 s; all else is up to the honest tracker.
fn keeps_schedule(trial: &Trial) -> Result<(), String> {
    complete(trial)?;
    let times: Vec<u64> = trial.connects().iter().map(|millis| millis / 1_000).collect();
    if times == [0, 15, 45, 105] && trial.answers().is_empty() {
        Ok(())
    } else {
        Err(format!("connects at {times:?}, answers {:?}", trial.answers()))
    }
}

/// The same for announces, with a new connect after a minute.
fn keeps_schedule_behind_connect(trial: &Trial) -> Result<(), String> {
    complete(trial)?;
    let announces: Vec<u64> = trial
        .announces()
        .iter()
        .map(|(millis, _)| millis / 1_000)
        .collect();
    let connects: Vec<u64> = trial.connects().iter().map(|millis| millis / 1_000).collect();
    if announces == [0, 15, 45, 105] && connects == [0, 105] {
        Ok(())
    } else {
        Err(format!("connects at {connects:?}, announces at {announces:?}"))
    }
}

/// Takes the tracker's answer, which names the seed, and asks again within these bounds.
fn waits(trial: &Trial, least: u64, most: u64) -> Result<(), String> {
    complete(trial)?;
    let answers = trial.answers();
    let Some((at, _, next, _)) = answers.first() else {
        return Err(format!("no answer: {:?}", trial.failures()));
    };
    let wait = next.since(*at).as_secs();
    if (least..=most).contains(&wait) {
        Ok(())
    } else {
        Err(format!("waits {wait} s"))
    }
}

/// Each announce was answered once.
fn one_answer(trial: &Trial) -> Result<(), String> {
    complete(trial)?;
    answered(trial, 1)?;
    let (announces, answers) = (trial.announces().len(), trial.answers().len());
    if announces == answers {
        Ok(())
    } else {
        Err(format!("{announces} announces, {answers} answers counted"))
    }
}

fn dials_only_real_ones(trial: &Trial) -> Result<(), String> {
    complete(trial)?;
    let nobody = |ip: IpAddr| {
        ip.is_loopback() || ip.is_multicast() || ip.is_unspecified() || ip == IpAddr::from([255; 4])
    };
    match trial
        .dialled()
        .iter()
        .find(|addr| addr.port() == 0 || nobody(addr.ip()))
    {
        Some(addr) => Err(format!("dialled {addr}")),
        None => Ok(()),
    }
}

const ROWS: &[(&str, u64, Demand)] = &[
    ("udp-silent", 200, keeps_schedule),
    ("udp-wrong-transaction", 200, keeps_schedule),
    ("udp-other-source", 200, keeps_schedule),
    ("udp-wrong-action", 200, keeps_schedule),
    ("udp-short", 200, keeps_schedule),
    ("udp-connect-only", 200, keeps_schedule_behind_connect),
    ("udp-ragged", 60, one_answer),
    ("udp-error", 60, |trial| {
        failed(trial, "refused: you are not welcome")
    }),
    ("udp-error-mute", 60, |trial| failed(trial, "refused: ")),
    ("udp-duplicate", 60, one_answer),
    ("udp-late", 120, |trial| {
        complete(trial)?;
        let answers = trial.answers().len();
        if answers == 1 {
            Ok(())
        } else {
            Err(format!("{answers} answers counted"))
        }
    }),
    ("udp-many-peers", 60, |trial| {
        complete(trial)?;
        let answers = trial.answers();
        if answers
            .first()
            .is_some_and(|(_, peers, ..)| (1..=1_000).contains(peers))
        {
            Ok(())
        } else {
            Err(format!("{answers:?}"))
        }
    }),
    ("udp-repeat-peers", 60, one_answer),
    ("udp-unusable-peers", 120, dials_only_real_ones),
    ("udp-refused", 10, |trial| {
        failed(trial, "refused")?;
        let first = super::announces(trial.honest().heard())
            .first()
            .map(|(millis, _)| *millis);
        if first.is_some_and(|millis| millis < 1_000) {
            Ok(())
        } else {
            Err(format!("failover at {first:?} ms"))
        }
    }),
    ("udp-corrupt", 300, complete),
    ("udp-spoofed-flood", 60, |trial| {
        one_answer(trial)?;
        dials_only_real_ones(trial)?;
        let forged = trial
            .dialled()
            .iter()
            .any(|addr| addr.ip().to_string().starts_with("198.1"));
        if forged {
            Err("a forged peer was dialled".into())
        } else {
            Ok(())
        }
    }),
    ("udp-huge", 300, complete),
];

#[test]
fn each_udp_misbehaviour_meets_its_reaction() {
    let rows: Vec<_> = ROWS
        .iter()
        .map(|(name, secs, demand)| (Use::new(name), *secs, *demand))
        .collect();
    check(&rows);
}

#[test]
fn absurd_intervals_are_bounded() {
    let value = |value| Use::new("udp-interval").with("value", value);
    check(&[
        (value(0), 60, |trial| waits(trial, 1_800, 1_800)),
        (value(1), 60, |trial| waits(trial, 300, 300)),
        (value(1 << 31), 60, |trial| waits(trial, 86_400, 86_400)),
        (value(-1), 60, |trial| waits(trial, 86_400, 86_400)),
        (value(700), 60, |trial| waits(trial, 700, 700)),
    ]);
}

#[test]
fn a_connection_id_that_is_refused_once_is_asked_for_anew() {
    let mut plan = Plan::of(Use::new("udp-stale-id").with("first", 1));
    plan.with_good = false;
    let mut trial = plan.build();
    trial.pass(120);
    complete(&trial)
        .and_then(|()| trial.always())
        .expect("one new id is enough");
    assert!(trial.failures()[0].1.contains("unknown or expired"));
    assert_eq!(trial.connects().len(), 2);
    // started and completed
    assert_eq!(trial.answers().len(), 2);
}

#[test]
fn the_whole_schedule_takes_7665_seconds_and_begins_anew_after_a_delay() {
    let mut plan = Plan::of(Use::new("udp-silent"));
    plan.with_good = false;
    let mut trial = plan.build();
    trial.pass(8_000);
    let times = trial.connects();
    let gaps: Vec<u64> = times.windows(2).map(|pair| (pair[1] - pair[0]) / 1_000).collect();
    assert_eq!(gaps[..8], [15, 30, 60, 120, 240, 480, 960, 1_920]);
    // the last one waits 3,840 s for its answer, then the tracker has failed
    assert!(gaps[8] >= 3_840 + 17, "{gaps:?}");
    let failed = trial.failures();
    assert_eq!(failed[0].0.since(Instant::START).as_secs(), 7_665);
    trial.always().expect("the schedule is that of BEP 15");
}
