//! Planted bugs become small worlds, and those stay as they are.

use super::{Search, Size, events, shrink};
use crate::run::Options;
use crate::scenario::kdl::parse;
use crate::scenario::print::print;
use crate::scenario::{Scenario, expand::expand};
use seedbed_engine::Event;
use seedbed_engine::journal::{Journal, Replay};
use std::collections::BTreeSet;

/// Every hash is believed, so that whoever sends one wrong byte breaks a rule.
fn canary() -> Options {
    Options {
        canary: true,
        ..Options::default()
    }
}

/// Drawn worlds in which the planted bug shows.
fn failing(count: usize) -> impl Iterator<Item = Scenario> {
    let fails = |scenario: &Scenario| crate::run::judge(scenario, &canary()).failure.is_some();
    (0..).map(expand).filter(fails).take(count)
}

#[test]
fn a_planted_bug_becomes_a_world_of_a_few_lines() {
    for scenario in failing(3) {
        let shrunk = shrink(&scenario, &canary(), |_| true).expect("it fails");
        let text = print(&shrunk.scenario);
        assert!(Size::of(&shrunk.scenario).lines <= 10, "{text}");
        assert!(shrunk.done);
        let again = crate::run::judge(&shrunk.scenario, &canary())
            .failure
            .expect("it still fails");
        let first = crate::run::judge(&scenario, &canary()).failure.expect("it fails");
        assert_eq!(again.oracle, first.oracle, "{text}");
        assert_eq!(parse(&text).as_ref(), Ok(&shrunk.scenario));
    }
}

#[test]
fn what_no_file_can_say_is_not_tried() {
    let scenario = failing(1).next().expect("some world fails");
    let mut search = Search {
        size: Size::of(&scenario),
        failure: crate::run::judge(&scenario, &canary()).failure.expect("it fails"),
        options: canary(),
        tried: 0,
        seen: BTreeSet::new(),
        go_on: &mut |_| true,
        over: false,
        best: scenario,
    };
    // fewer lines, and a last piece without a byte
    assert!(!search.change(|scenario| {
        scenario.name.clear();
        scenario.faults.clear();
        scenario.torrent.short = scenario.torrent.blocks * scenario.torrent.block;
        scenario.peers.truncate(2);
    }));
    assert_eq!(search.tried, 0);
}

#[test]
fn what_is_shrunk_stays_as_it_is() {
    for scenario in failing(3) {
        let once = shrink(&scenario, &canary(), |_| true).expect("it fails");
        let twice = shrink(&once.scenario, &canary(), |_| true).expect("it still fails");
        assert_eq!(print(&twice.scenario), print(&once.scenario));
    }
}

#[test]
fn a_search_that_is_ended_gives_what_it_has() {
    let scenario = failing(1).next().expect("some world fails");
    let mut left = 20;
    let shrunk = shrink(&scenario, &canary(), |_| {
        left -= 1;
        left > 0
    });
    let shrunk = shrunk.expect("it fails");
    assert!(!shrunk.done && shrunk.tried == 20, "{}", shrunk.tried);
    assert!(Size::of(&shrunk.scenario) < Size::of(&scenario));
    assert!(crate::run::judge(&shrunk.scenario, &canary()).failure.is_some());
}

#[test]
fn a_world_that_holds_is_not_shrunk() {
    assert!(shrink(&expand(1), &Options::default(), |_| true).is_none());
}

#[test]
fn the_engine_alone_fails_by_a_few_events_and_they_are_a_journal() {
    for scenario in failing(3) {
        let shrunk = shrink(&scenario, &canary(), |_| true).expect("it fails");
        let alone =
            events(&shrunk.scenario, &canary(), &shrunk.failure).expect("its engine fails without it");
        assert!(alone.count <= 30 && alone.count < alone.before, "{alone:?}");
        let journal = Journal::read(&alone.journal).expect("a journal");
        let mut replay = Replay::new(&journal, true);
        let mut commands = 0;
        while let Some(played) = replay.step() {
            assert!(played.mismatch.is_none());
            commands += usize::from(matches!(played.step.event, Event::Command(_)));
        }
        assert_eq!(commands, 1, "the torrent is added, and nothing else is asked for");
    }
}

#[test]
fn a_failure_of_another_rule_is_none_of_the_engine_alone() {
    let scenario = failing(1).next().expect("some world fails");
    let mut failure = crate::run::judge(&scenario, &canary()).failure.expect("it fails");
    failure.oracle = "L1";
    assert!(events(&scenario, &canary(), &failure).is_none());
}
