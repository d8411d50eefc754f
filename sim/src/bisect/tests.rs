//! Failures that a draw decides, and failures that none does.

use super::{Effort, NoMoment, bisect};
use crate::run::Options;
use crate::scenario::Scenario;
use crate::scenario::kdl::parse;

/// Every hash is believed, so that what a disk did shows.
fn canary() -> Options {
    Options {
        canary: true,
        ..Options::default()
    }
}

fn world(text: &str) -> Scenario {
    parse(text).expect("a scenario")
}

/// Who is asked for piece 5 depends on who answers sooner; of one of them it is bad.
const LOTTERY: &str = r#"
scenario "lottery" version=1 seed=3
torrent pieces=8 blocks=2 block=64
engine "eng"
peer "p0" seed latency="5..50ms"
peer "p1" seed latency="5..50ms" {
    corrupts piece=5
}
peer "p2" seed latency="5..50ms"
"#;

/// The first seed of a world that fails.
fn lottery() -> Scenario {
    let drawn = |seed| world(&LOTTERY.replace("seed=3", &format!("seed={seed}")));
    let fails = |one: &Scenario| crate::run::once(one, &canary()).failure.is_some();
    (0..).map(drawn).find(fails).expect("some seed fails")
}

const EFFORT: Effort = Effort {
    futures: 16,
    steps: 1_000_000,
};

#[test]
fn the_moment_that_a_draw_decides_is_found() {
    let scenario = lottery();
    let found = bisect(&scenario, &canary(), EFFORT).expect("it fails");
    assert_eq!(found.failure.oracle, "I2");
    assert!(0 < found.step && found.step <= found.failure.step, "{found:?}");
    assert!(found.before < found.futures, "{found:?}");
    let told: Vec<String> = found.lines.iter().map(ToString::to_string).collect();
    assert!(!told.is_empty(), "{found:?}");
    let again = bisect(&scenario, &canary(), EFFORT).expect("it fails");
    assert_eq!((again.step, again.before), (found.step, found.before));
}

#[test]
fn what_no_draw_decides_is_certain_from_the_beginning() {
    let bad = "latency=\"5..50ms\" {\n    corrupts\n}";
    let alone = LOTTERY.split("peer").next().expect("a beginning");
    let scenario = world(&format!("{alone}peer \"p1\" seed {bad}\n"));
    let found = bisect(&scenario, &canary(), EFFORT).expect("it fails");
    assert_eq!((found.step, found.before), (0, found.futures));
    assert!(found.lines.is_empty());
}

#[test]
fn there_is_no_moment_in_a_world_that_holds_and_none_without_steps() {
    let scenario = lottery();
    let holds = bisect(&scenario, &Options::default(), EFFORT);
    assert_eq!(holds.map(|found| found.step), Err(NoMoment::Holds));
    let effort = Effort {
        futures: 16,
        steps: 10,
    };
    let short = bisect(&scenario, &canary(), effort);
    assert_eq!(short.map(|found| found.step), Err(NoMoment::TooLong));
}

#[test]
fn a_fork_goes_as_the_run_went_up_to_its_step() {
    let scenario = lottery();
    let run = |fork| {
        let options = Options {
            fork,
            telling: true,
            ..Options::default()
        };
        crate::run::once(&scenario, &options)
    };
    let whole = run(None);
    let fork = |step, seed| run(Some(crate::run::Fork { step, seed }));
    let at = whole.steps / 2;
    let (one, other) = (fork(at, 1), fork(at, 2));
    assert_ne!(one.digest, other.digest);
    assert_eq!(fork(at, 1).digest, one.digest);
    let same = |a: &crate::run::Outcome| {
        let lines = a.timeline.iter().zip(&whole.timeline);
        lines.take_while(|(a, b)| a == b).count()
    };
    assert!(same(&one) > 10 && same(&one) < whole.timeline.len());
    assert_eq!(
        fork(whole.steps, 1).digest,
        whole.digest,
        "nothing is left to draw"
    );
}
