//! TP1 to TP10.

use super::{Plan, Trial, check, complete, failed};
use crate::scenario::{Use, Value};
use crate::tracker::AnnounceEvent;
use crate::tracker::check::What;
use seedbed_engine::time::{Duration, Instant};

/// A trial without the honest tracker, and without a seed that any tracker would name.
fn alone(udp: bool, used: Use) -> Trial {
    let mut plan = Plan::of(used);
    (plan.udp, plan.with_good, plan.with_seed) = (udp, false, false);
    plan.build()
}

fn text(name: &str, parameter: &str, value: &str) -> Use {
    let mut used = Use::new(name);
    used.params.push((parameter.into(), Value::Text(value.into())));
    used
}

/// Seconds between announces.
fn gaps(trial: &Trial) -> Vec<u64> {
    let times: Vec<u64> = trial
        .announces()
        .iter()
        .map(|(millis, _)| millis / 1_000)
        .collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[test]
fn when_all_trackers_are_dead_delays_grow_to_an_hour_and_recovery_is_noticed() {
    let mut trial = alone(false, text("tracker-dead", "until", "10h"));
    trial.pass(12 * 3_600);
    let gaps = gaps(&trial);
    // each try takes 10 s to fail; then 5 s + 12.5 s · n², and up to an eighth more
    assert!(
        (27..=30).contains(&gaps[0]) && (65..=73).contains(&gaps[1]),
        "{gaps:?}"
    );
    assert!(gaps.iter().all(|gap| *gap <= 3_600 * 9 / 8 + 11), "{gaps:?}");
    assert!(trial.answers()[0].0 < Instant::from_secs(11 * 3_600 + 600));
    trial.always().expect("nothing else is wrong");
}

#[test]
fn a_tracker_that_knows_nobody_is_not_the_last_one_to_be_asked() {
    let mut plan = Plan::of(Use::new("tracker-dies"));
    (plan.udp, plan.with_seed) = (false, false);
    let mut trial = plan.build();
    trial.pass(4_000);
    assert_eq!(trial.answers().len(), 1);
    let other = super::announces(trial.honest().heard());
    assert_eq!(
        other[0].1,
        AnnounceEvent::Started,
        "the other hears of us for the first time"
    );
    assert!(other[0].0 < 1_000, "at once: {other:?}");
    assert_eq!(other.len(), 3, "and is asked at its own interval from then on");
    trial.always().expect("nothing else is wrong");
}

#[test]
fn a_flapping_tracker_is_not_stormed() {
    for udp in [true, false] {
        let mut trial = alone(udp, Use::new("tracker-flaps"));
        trial.pass(6 * 3_600);
        trial.always().expect("nothing else is wrong");
        let answers = trial.answers();
        assert!(answers.len() >= 6, "{answers:?}");
        assert!(
            answers
                .windows(2)
                .all(|pair| pair[1].0.since(pair[0].0) >= Duration::from_secs(1_800))
        );
    }
}

#[test]
fn a_tracker_that_knows_nobody_is_asked_at_its_interval() {
    for name in ["tracker-no-peers", "tracker-dead-peers", "tracker-only-us"] {
        for udp in [true, false] {
            let mut trial = alone(udp, Use::new(name));
            trial.pass(3 * 3_600);
            trial.always().expect("nothing else is wrong");
            let gaps = gaps(&trial);
            assert!(
                gaps.len() >= 5 && gaps.iter().all(|gap| (1_800..1_810).contains(gap)),
                "{name} {gaps:?}"
            );
        }
    }
}

#[test]
fn an_engine_named_to_itself_notices() {
    let mut trial = alone(true, Use::new("tracker-only-us"));
    trial.pass(6 * 3_600);
    let own = trial.dialled().len();
    assert!(own <= 2, "dialled itself {own} times");
}

#[test]
fn the_longer_of_interval_and_least_interval_holds() {
    for (udp, least, wanted) in [(false, 600, 600), (false, 7, 300), (true, 600, 300)] {
        let mut trial = alone(udp, Use::new("tracker-short-interval").with("least", least));
        trial.pass(4_000);
        trial.always().expect("nothing else is wrong");
        assert!(
            gaps(&trial).iter().all(|gap| (wanted..wanted + 5).contains(gap)),
            "{:?}",
            gaps(&trial)
        );
    }
}

#[test]
fn a_user_is_held_to_the_least_interval() {
    let mut trial = alone(false, Use::new("tracker-short-interval"));
    trial.pass(100);
    for _ in 0..20 {
        trial.command("reannounce");
        trial.pass(10);
    }
    assert_eq!(gaps(&trial), [0; 0], "600 s have not passed");
    trial.pass(500);
    assert_eq!(gaps(&trial), [600]);
}

#[test]
fn a_change_of_the_network_asks_early_and_once() {
    let mut trial = alone(true, Use::new("tracker-no-peers"));
    trial.pass(100);
    trial.command("network-change");
    trial.pass(100);
    let gaps = gaps(&trial);
    assert!(gaps.len() == 1 && (100..=103).contains(&gaps[0]), "{gaps:?}");
}

#[test]
fn names_that_fail_hand_over_to_the_next_tracker() {
    check(&[
        (Use::new("dns-missing"), 60, |trial| {
            failed(trial, "lookup failed")
        }),
        (Use::new("dns-silent"), 120, |trial| {
            failed(trial, "timed out while looking up")
        }),
        (Use::new("dns-slow"), 120, complete),
        (Use::new("dns-changes"), 120, complete),
        (Use::new("dns-only-v6"), 120, complete),
        (Use::new("dns-many"), 300, complete),
    ]);
}

#[test]
fn a_name_is_looked_up_again_for_each_announce() {
    let mut plan = Plan::of(Use::new("dns-changes"));
    plan.with_good = false;
    let mut trial = plan.build();
    trial.pass(200);
    complete(&trial).expect("the second lookup leads to the tracker");
    let first = trial.tracker().heard().first().expect("it was heard");
    assert!(matches!(first.what, What::Connect { .. }));
}

#[test]
fn completed_is_said_once_over_pauses() {
    let mut trial = Plan::of(Use::new("udp-duplicate")).build();
    trial.pass(20);
    complete(&trial).expect("the tracker names the seed");
    for _ in 0..3 {
        trial.command("pause");
        trial.pass(10);
        trial.command("resume");
        trial.pass(10);
    }
    let events = trial.announces();
    let count = |wanted| events.iter().filter(|(_, event)| *event == wanted).count();
    assert_eq!(count(AnnounceEvent::Completed), 1, "{events:?}");
    assert_eq!(count(AnnounceEvent::Started), 4, "{events:?}");
    assert_eq!(count(AnnounceEvent::Stopped), 3, "{events:?}");
    trial.always().expect("nothing else is wrong");
}
